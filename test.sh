#!/usr/bin/env bash
# Runs all tests. Arguments go to `dotnet test`, for example: ./test.sh --filter-class '*StartTests'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
  echo "test.sh: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The Debian package of whatever the tests start and this machine lacks.
missing_packages() {
  command -v redis-server >/dev/null || echo redis-server
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || echo postgresql
  [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || echo nginx
  # The tests ask this python3, whichever comes first in the PATH.
  /usr/bin/python3 -c 'import rest_framework_simplejwt' 2>/dev/null || echo python3-djangorestframework-simplejwt
  /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || echo python3-psycopg2
  /usr/bin/python3 -c 'import gunicorn' 2>/dev/null || echo gunicorn
  command -v chromium >/dev/null || echo chromium
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
}

# Debian starts a server when it installs it. The tests start their own, so nothing of the package may run or be enabled. A
# policy that the machine already has stays as it is.
install_stopped() {
  local package
  as_root apt-get update
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod 755 /usr/sbin/policy-rc.d
  fi

  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
  if [ -d /run/systemd/system ]; then
    for package in "$@"; do
      as_root systemctl disable --quiet "$package" || true
    done
  fi
}

bring_programs() {
  local missing
  missing=$(missing_packages)
  if [ -z "$missing" ]; then
    return
  fi

  if [ -e /etc/debian_version ] && as_root true 2>/dev/null; then
    # One word a package.
    # shellcheck disable=SC2086
    (install_stopped $missing)
    missing=$(missing_packages)
  fi

  if [ -n "$missing" ]; then
    fail "please install" $missing "and run this again; the tests start their own servers and browser with it."
  fi
}

# The tests of the browser module attach it to a real Axios. npm writes a lock file of its own beside what it has installed.
bring_axios() {
  local folder=WebApp.Tests/Browser
  if [ ! -e "$folder/node_modules/.package-lock.json" ] \
    || [ "$folder/package-lock.json" -nt "$folder/node_modules/.package-lock.json" ]; then
    npm ci --prefix "$folder" --no-audit --no-fund
  fi
}

if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
  fail "please install the .NET 10 SDK (https://dotnet.microsoft.com/download/dotnet/10.0); nothing here works without it."
fi

bring_programs
bring_axios

tests=(dotnet test --solution WebApp.sln -c Release --no-build)

# In CI a test that could not run counts as failed: it has shown nothing.
if [ "${CI:-}" = true ]; then
  tests+=(--fail-skips on)
fi

dotnet restore --locked-mode
# Without the analyzers, which are a third of a build: `dotnet build` and .ci/run ask them. Without what the runtime would learn from
# watching the compiler, which ends before that pays; and without a compiler that stays and waits for more.
DOTNET_TieredPGO=0 dotnet build -c Release --no-restore -p:RunAnalyzers=false -p:UseSharedCompilation=false

if [ $# -gt 0 ]; then
  exec "${tests[@]}" "$@"
fi

status=0
"${tests[@]}" --filter-not-trait Runs=Alone --filter-not-namespace 'WebApp.Tests.Simulation*' || status=$?

# Tests that measure time on the wall run one at a time, and wait for much of it. The simulation has a time of its own, and makes do
# with what they leave of the processors: it runs beside them, and gives way to them.
simulation=$(mktemp)

# In a process group of its own, which ends as a whole with this script: `dotnet test` would leave its child behind.
set -m
nice -n 19 "${tests[@]}" --filter-namespace 'WebApp.Tests.Simulation*' >"$simulation" 2>&1 &
set +m
simulating=$!
trap 'kill -- "-$simulating" 2>/dev/null || true; rm -f "$simulation"' EXIT
"${tests[@]}" --filter-trait Runs=Alone || status=$?
wait "$simulating" || status=$?
cat "$simulation"
exit "$status"
