#!/usr/bin/env bash
# Changes the core in hundreds of small ways, and looks whether a test notices each (docs/mutation.md). Fails below 85 %.
#   scripts/mutate.sh                                      all of it
#   scripts/mutate.sh --mutate 'Locking/RedisUserLease.cs' one file; further arguments go to `dotnet stryker` too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v redis-server >/dev/null || {
  echo "mutate.sh: please install redis-server; without it mutants of the locks would live that a test kills." >&2
  exit 1
}

# A test host that is killed in the middle of a test leaves its folders behind.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

dotnet tool restore
cd WebApp.Tests
WITHOUT_POSTGRES=true PATIENCE=${PATIENCE:-15} TMPDIR=$scratch dotnet stryker --skip-version-check --output ../TestResults/mutation "$@"
