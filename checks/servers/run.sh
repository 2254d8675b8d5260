#!/usr/bin/env bash
# FHIR servers that nobody here wrote (servers.json), onboarded and joined; see run.py.
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
venv="$("$ROOT/checks/venv.sh" servers)"
npm_home="$("$ROOT/checks/npm.sh" servers)"
cp "$ROOT/checks/servers/node.js" "$npm_home/"
exec "$venv/bin/python" "$ROOT/checks/servers/run.py" --severn "$SEVERN_BIN" --node "$npm_home"
