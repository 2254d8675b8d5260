#!/usr/bin/env bash
# Walks the pages of `severn demo` in Debian's Chromium, with and without script, and has axe-core look at each of them.
#   run.sh [OUT]   screenshots and the printed record go into OUT ($SEVERN_CACHE/journeys/shots)
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
cd "$ROOT"
# A system's SEVERN_CHROMIUM may be another one.
export SEVERN_CHROMIUM="${SEVERN_CHROMIUM:-/usr/bin/chromium}"
[ -x "$SEVERN_CHROMIUM" ] || fail "no Chromium at $SEVERN_CHROMIUM: checks/setup.sh journeys installs it"
"$CARGO" build --locked --workspace --bin severn
npm_home="$SEVERN_CACHE/journeys"
stamp="$(node --version) $(cat "$ROOT"/checks/journeys/package*.json | cksum)"
if [ "$(cat "$npm_home/severn.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing checks/journeys/package.json"
    rm -rf "$npm_home"
    mkdir -p "$npm_home"
    cp "$ROOT"/checks/journeys/package*.json "$npm_home/"
    (cd "$npm_home" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    printf '%s' "$stamp" >"$npm_home/severn.stamp"
fi
rm -f "$npm_home"/*.mjs
cp "$ROOT"/checks/journeys/*.mjs "$npm_home/"
exec node "$npm_home/journeys.mjs" "$SEVERN_BIN" "${1:-$npm_home/shots}"
