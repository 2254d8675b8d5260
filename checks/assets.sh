#!/usr/bin/env bash
# Brings the design system that the viewer's pages are dressed in, as crates/viewer/package-lock.json has it. A build embeds it; without
# it pages are plain, so where the registry cannot be reached this says so and is no error.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
home="$ROOT/crates/viewer"
stamp="$(cat "$home"/package.json "$home"/package-lock.json | cksum)"
[ "$(cat "$home/node_modules/.severn-stamp" 2>/dev/null)" = "$stamp" ] && exit 0
say "installing crates/viewer/package.json"
if (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2); then
    printf '%s' "$stamp" >"$home/node_modules/.severn-stamp"
elif [ -n "${CI:-}" ]; then
    fail "the styles of the pages could not be had"
else
    say "the styles of the pages could not be had; pages are plain"
fi
