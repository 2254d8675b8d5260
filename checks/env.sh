# Sourced by the scripts here: where things lie, and how steps are told.
# shellcheck shell=bash
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export CARGO="${CARGO:-cargo}"
TARGET="${CARGO_TARGET_DIR:-$ROOT/target}"
# Virtual environments, node_modules, tools and unpacked data: anything that may be made again.
export SEVERN_CACHE="${SEVERN_CACHE:-$TARGET/checks}"
SEVERN_BIN="${SEVERN_BIN:-$TARGET/debug/severn}"
export SEVERN_BIN
export PYTHONDONTWRITEBYTECODE=1 # nothing is written into the source tree
mkdir -p "$SEVERN_CACHE"
PATH="$SEVERN_CACHE/tools/bin:$PATH"

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Unpacks the third-party data once, where it is to be had, and says where it is. The archives'
# own names and sizes are the stamp, so newer data is unpacked again.
third_party_data() {
    if [ -n "${SEVERN_DATA:-}" ]; then
        [ -d "$SEVERN_DATA" ] || fail "SEVERN_DATA=$SEVERN_DATA is not a directory"
        return
    fi
    local shared="${SEVERN_SHARED_DATA:-$ROOT/../shared/data}" stamp
    if [ ! -x "$shared/unpack" ]; then
        say "third-party data: none at $shared, so its tests are skipped"
        return
    fi
    stamp="$(cd "$shared" && ls -l -- *.zst | awk '{print $5, $NF}' | cksum)"
    if [ "$(cat "$SEVERN_CACHE/data.stamp" 2>/dev/null)" != "$stamp" ]; then
        say "third-party data: unpacking $shared"
        rm -rf "$SEVERN_CACHE/data"
        "$shared/unpack" "$SEVERN_CACHE/data" >/dev/null
        printf '%s' "$stamp" >"$SEVERN_CACHE/data.stamp"
    fi
    export SEVERN_DATA="$SEVERN_CACHE/data"
}

# step NAME COMMAND...: runs it and prints how long it took; the exit status is the command's.
step() {
    local name="$1" from=$SECONDS status=0
    shift
    printf '\n== %s\n' "$name"
    "$@" || status=$?
    if [ "$status" -eq 0 ]; then
        printf '== %s: done in %d s\n' "$name" $((SECONDS - from))
    else
        printf '== %s: FAILED (exit %d) after %d s\n' "$name" "$status" $((SECONDS - from))
    fi
    return "$status"
}
