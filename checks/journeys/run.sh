#!/usr/bin/env bash
# Walks the pages of `severn demo` in Debian's Chromium, with and without script, and has axe-core look at each of them.
#   run.sh [OUT [PART…]]   screenshots and the printed record go into OUT ($SEVERN_CACHE/journeys/shots); PART as in journeys.mjs
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
cd "$ROOT"
# A system's SEVERN_CHROMIUM may be another one.
export SEVERN_CHROMIUM="${SEVERN_CHROMIUM:-/usr/bin/chromium}"
[ -x "$SEVERN_CHROMIUM" ] || fail "no Chromium at $SEVERN_CHROMIUM: checks/setup.sh journeys installs it"
"$CARGO" build --locked --workspace --bin severn
npm_home="$("$ROOT/checks/npm.sh" journeys)"
rm -f "$npm_home"/*.mjs
cp "$ROOT"/checks/journeys/*.mjs "$npm_home/"
exec node "$npm_home/journeys.mjs" "$SEVERN_BIN" "${1:-$npm_home/shots}" "${@:2}"
