#!/usr/bin/env bash
# Draws every page in both themes and both languages, from a phone to 4K, into screenshots/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mkdir -p screenshots
dotnet build -c Release --nologo -v quiet
SCREENSHOTS=$PWD/screenshots dotnet test --solution WebApp.sln -c Release --no-build --filter-class '*PageTests'
