#!/usr/bin/env bash
# npm.sh NAME: the packages that checks/NAME/package-lock.json names, in a folder of the cache, so that nothing is written into the source
# tree. Prints the folder; installs only where Node or the lock file is another than before.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
npm_home="$SEVERN_CACHE/$1"
stamp="$(node --version) $(cat "$ROOT/checks/$1"/package*.json | cksum)"
if [ "$(cat "$npm_home/severn.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing checks/$1/package.json" >&2
    rm -rf "$npm_home"
    mkdir -p "$npm_home"
    cp "$ROOT/checks/$1"/package*.json "$npm_home/"
    (cd "$npm_home" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    printf '%s' "$stamp" >"$npm_home/severn.stamp"
fi
printf '%s\n' "$npm_home"
