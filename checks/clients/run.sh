#!/usr/bin/env bash
# Four client libraries and two validators that nobody here wrote, against a running demo.
#   run.sh               starts `severn demo` itself and stops it after
#   run.sh BASE TOKENFILE [NHS-NUMBER]   against a FHIR base that is up already
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
venv="$("$ROOT/checks/venv.sh" clients)"
# npm has its folder in the cache, so that nothing is written into the source tree.
npm_home="$SEVERN_CACHE/clients"
stamp="$(node --version) $(cat "$ROOT"/checks/clients/package*.json | cksum)"
if [ "$(cat "$npm_home/severn.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing checks/clients/package.json"
    rm -rf "$npm_home"
    mkdir -p "$npm_home"
    cp "$ROOT"/checks/clients/package*.json "$npm_home/"
    (cd "$npm_home" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    printf '%s' "$stamp" >"$npm_home/severn.stamp"
fi
rm -f "$npm_home"/*.mjs
cp "$ROOT"/checks/clients/*.mjs "$npm_home/"
exec "$venv/bin/python" "$ROOT/checks/clients/drive.py" --severn "$SEVERN_BIN" --javascript "$npm_home" ${1:+--base "$1"} ${2:+--token "$2"} ${3:+--number "$3"}
