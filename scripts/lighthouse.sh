#!/usr/bin/env bash
# Asks Lighthouse about every page of the built site, as ada in Development: a table, and an error if accessibility or best practices
# fall below 100 or performance below 95. Needs Chromium, Node and curl.
#   scripts/lighthouse.sh           all pages
#   scripts/lighthouse.sh /notes    these
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pages=(/ /login /register /notes /account /account/password /account/two-step /account/passkeys /account/sessions /account/activity
  /admin/sessions /lab /logout /demo/api /kept/00000000-0000-0000-0000-000000000001)
if [ $# -gt 0 ]; then
  pages=("$@")
fi

chromium=${CHROME_PATH:-$(command -v chromium)}
work=$(mktemp -d)
trap 'kill "${site:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

dotnet build -c Release WebApp --nologo --verbosity quiet
ASPNETCORE_ENVIRONMENT=Development ASPNETCORE_URLS=http://127.0.0.1:0 \
  ConnectionStrings__Database="Data Source=$work/webapp.db" Sessions__AccessTokenLifetime=01:00:00 \
  dotnet WebApp/bin/Release/net10.0/WebApp.dll --contentRoot="$PWD" >"$work/log" &
site=$!
until address=$(sed -n 's/.*Now listening on: \(http[^ ]*\)$/\1/p' "$work/log" | head -n 1) && [ -n "$address" ]; do
  kill -0 "$site"
  sleep 0.2
done

address=${address/127.0.0.1/localhost}
access=$(curl --silent --fail "$address/api/token/" --json '{"username":"ada","password":"Correct-Horse-1"}' \
  | node -e 'process.stdin.on("data", (text) => console.log(JSON.parse(text).access))')

for page in "${pages[@]}"; do
  headers='{}'
  case $page in
    /login | /register) ;;
    *) headers="{\"Cookie\":\"access_token=$access\"}" ;;
  esac

  CHROME_PATH=$chromium npx --yes lighthouse@13.5.0 "$address$page" --quiet --output=json --output-path="$work/report.json" \
    --only-categories=performance,accessibility,best-practices --extra-headers="$headers" \
    --chrome-flags="--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
  node -e '
    const { categories, audits, finalDisplayedUrl } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const score = (name) => Math.round(categories[name].score * 100);
    const [fast, accessible, good] = ["performance", "accessibility", "best-practices"].map(score);
    console.log(`${process.argv[2].padEnd(24)} performance ${fast}  accessibility ${accessible}  best practices ${good}`);
    const shown = new URL(finalDisplayedUrl).pathname;
    if (shown !== process.argv[2]) {
      console.log(`    This was ${shown}.`);
      process.exitCode = 1;
    }
    if (fast < 95 || accessible < 100 || good < 100) {
      for (const audit of Object.values(audits)) if (audit.score !== null && audit.score < 1) console.log(`    ${audit.id}: ${audit.score}`);
      process.exitCode = 1;
    }
  ' "$work/report.json" "$page" || failed=1
done

exit "${failed:-0}"
