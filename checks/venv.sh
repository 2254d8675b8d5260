#!/usr/bin/env bash
# venv.sh NAME: a virtual environment with checks/NAME/requirements.txt, made again when that file
# changes. Prints where it is (everything else goes to stderr).
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
name="$1"
wanted="$ROOT/checks/$name/requirements.txt"
venv="$SEVERN_CACHE/venv-$name"
stamp="$(python3 --version) $(cksum <"$wanted")"
if [ "$(cat "$venv/severn.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing checks/$name/requirements.txt" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$wanted" >&2
    printf '%s' "$stamp" >"$venv/severn.stamp"
fi
say "$venv"
