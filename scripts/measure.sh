#!/usr/bin/env bash
# Measures what a refresh costs PostgreSQL beside a million sessions (docs/scale.md), and the pages that list them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dotnet build -c Release WebApp.Tests --nologo --verbosity quiet
MEASURE_SESSIONS=1000000 dotnet WebApp.Tests/bin/Release/net10.0/WebApp.Tests.dll -class '*UnitCostTests' -class '*SessionPagesTests' -showLiveOutput -noLogo -noColor
