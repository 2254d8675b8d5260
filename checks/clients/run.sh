#!/usr/bin/env bash
# Four client libraries and two validators that nobody here wrote, against a running demo.
#   run.sh               starts `severn demo` itself and stops it after
#   run.sh BASE TOKENFILE [NHS-NUMBER]   against a FHIR base that is up already
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
venv="$("$ROOT/checks/venv.sh" clients)"
npm_home="$("$ROOT/checks/npm.sh" clients)"
rm -f "$npm_home"/*.mjs
cp "$ROOT"/checks/clients/*.mjs "$npm_home/"
exec "$venv/bin/python" "$ROOT/checks/clients/drive.py" --severn "$SEVERN_BIN" --javascript "$npm_home" ${1:+--base "$1"} ${2:+--token "$2"} ${3:+--number "$3"}
