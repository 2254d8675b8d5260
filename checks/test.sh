#!/usr/bin/env bash
# Every test, then what they were: golden cases, laws, third-party files.
# cargo-nextest where it is installed (documentation examples run under cargo test, which alone can); else cargo test.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
third_party_data

sum=(python3 checks/summary.py --log "$SEVERN_CACHE/test.log")
if "$CARGO" nextest --version >/dev/null 2>&1; then
    "${sum[@]}" \
        --run "$CARGO nextest run --locked --workspace --no-fail-fast --no-tests pass --success-output immediate --failure-output immediate-final --status-level pass --color never $*" \
        --run "$CARGO test --locked --workspace --doc --no-fail-fast $*"
else
    "${sum[@]}" --run "$CARGO test --locked --workspace --no-fail-fast $* -- --show-output"
fi
