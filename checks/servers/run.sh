#!/usr/bin/env bash
# FHIR servers that nobody here wrote (servers.json), onboarded and joined; see run.py.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
venv="$("$ROOT/checks/venv.sh" servers)"
# npm has its folder in the cache, so that nothing is written into the source tree.
npm_home="$SEVERN_CACHE/servers"
stamp="$(node --version) $(cat "$ROOT"/checks/servers/package*.json | cksum)"
if [ "$(cat "$npm_home/severn.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing checks/servers/package.json"
    rm -rf "$npm_home"
    mkdir -p "$npm_home"
    cp "$ROOT"/checks/servers/package*.json "$npm_home/"
    (cd "$npm_home" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    printf '%s' "$stamp" >"$npm_home/severn.stamp"
fi
cp "$ROOT/checks/servers/node.js" "$npm_home/"
exec "$venv/bin/python" "$ROOT/checks/servers/run.py" --severn "$SEVERN_BIN" --node "$npm_home"
