#!/usr/bin/env bash
# Every bench target of the workspace, release build; each prints its own reference beside its number.
# SEVERN_BENCH=smoke asks the benches for a short run (CI).
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
third_party_data
say "machine: $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)"
if ! "$CARGO" metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
sys.exit(0 if any("bench" in t["kind"] for p in json.load(sys.stdin)["packages"] for t in p["targets"]) else 1)'; then
    fail "no bench target in the workspace"
fi
"$CARGO" bench --locked --workspace --bench '*' -- "$@"
