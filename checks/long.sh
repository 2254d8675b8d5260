#!/usr/bin/env bash
# What does not fit CI, in pieces. Each piece that passed leaves a stamp for this commit, so that a run
# that was stopped goes on where it was: `make long` again. FORGET=1 starts over.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
third_party_data
commit="$(git rev-parse --short=12 HEAD)$(git diff --quiet HEAD || printf -- '-changed')"
stamps="$SEVERN_CACHE/long/$commit"
[ -z "${FORGET:-}" ] || rm -rf "$stamps"
mkdir -p "$stamps"
status=0

piece() {
    local name="$1"
    shift
    if [ -e "$stamps/$name" ]; then
        say "$name: passed before for $commit"
    elif step "$name" "$@"; then
        touch "$stamps/$name"
    else
        status=1
    fi
}

# Laws with ever new seeds: many short runs rather than one long, so that little is lost by stopping.
for round in $(seq 1 "${LONG_ROUNDS:-10}"); do
    piece "laws-$round" env PROPTEST_CASES="${LONG_CASES:-5000}" checks/test.sh law
done
if [ -f fuzz/Cargo.toml ]; then
    for target in $(sed -n '/^\[\[bin\]\]/,/^$/s/^name *= *"\(.*\)"/\1/p' fuzz/Cargo.toml); do
        piece "fuzz-$target" checks/fuzz.sh "${LONG_FUZZ_SECONDS:-600}" "$target"
    done
fi
# A hundred times is some minutes: by cargo itself, whose patience has no end.
piece kills env SEVERN_KILLS="${LONG_KILLS:-100}" "$CARGO" test --locked --package server --test all -- --nocapture killed::
# Ten minutes of schemathesis on each part of the document, with examples of its own.
for part in /fhir/R4 /fhir/STU3 /steward '^/[^f]'; do
    piece "openapi-$(printf %s "$part" | tr -c 'A-Za-z0-9' -)" env OPENAPI_EXAMPLES="${LONG_EXAMPLES:-100}" OPENAPI_SECONDS=600 OPENAPI_ONLY="$part" checks/security.sh openapi
done
# Some hundreds of mutants, each of which builds its package again.
shards="${LONG_MUTANT_SHARDS:-16}"
for shard in $(seq 0 $((shards - 1))); do
    piece "mutants-$shard-of-$shards" checks/mutants.sh "$shard/$shards"
done
piece tokens checks/security.sh tokens
piece third-party env ALTERATIONS=300 checks/third-party.sh
piece bench checks/bench.sh
exit "$status"
