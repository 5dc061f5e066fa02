#!/usr/bin/env bash
# Runs the simulation of the core (docs/simulation.md).
#   scripts/simulate.sh 1000000     so many schedules, and what happened in them
#   scripts/simulate.sh --seed N    one schedule, and its trace
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

case "${1:-}" in
  --seed)
    [[ "${2:-}" =~ ^[0-9]+$ ]] || usage
    export SIMULATE_SEED=$2
    method='*.A_seed_can_be_replayed'
    ;;
  *)
    [[ "${1:-}" =~ ^[1-9][0-9]*$ ]] || usage
    export SIMULATE_SCHEDULES=$1
    method='*.Every_invariant_holds_in_every_schedule'
    ;;
esac

dotnet build -c Release WebApp.Tests --nologo --verbosity quiet

# Long enough for what the compiler learns from watching: a tenth more schedules a second.
export DOTNET_TieredPGO=1

SIMULATE_REPORT=$(mktemp)
export SIMULATE_REPORT
trap 'rm -f "$SIMULATE_REPORT"' EXIT

status=0
dotnet WebApp.Tests/bin/Release/net10.0/WebApp.Tests.dll -method "$method" -noLogo || status=$?
cat "$SIMULATE_REPORT"
exit "$status"
