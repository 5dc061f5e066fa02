#!/usr/bin/env bash
# The soak test for as long as you like: 200 people on three nodes with access tokens of 5 seconds; a random node is killed every
# 5 s, Redis every 20 s, PostgreSQL every 60 s, and each is started again. Closes with a table, and fails if anybody was signed
# out.   scripts/soak.sh MINUTES
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! [[ "${1:-}" =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
  echo "soak.sh: say for how many minutes, for example: scripts/soak.sh 10" >&2
  exit 1
fi

dotnet build -c Release --nologo -v quiet
SOAK_MINUTES=$1 dotnet test --solution WebApp.sln -c Release --no-build \
  --filter-class '*SoakTests' --output Detailed --show-live-output on
