#!/usr/bin/env bash
# mutants.sh [SHARD/SHARDS [FILE…]]: disables each branch that withholds in turn, and fails where no test tells. What is altered, and
# what no test could tell, is in mutants.toml. What became of each mutant is kept in the cache, by shard.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
shard="${1:-0/1}"
shift || true
MUTANTS_VERSION=27.1.0

if ! cargo-mutants --version 2>/dev/null | grep -qF "$MUTANTS_VERSION"; then
    say "building cargo-mutants $MUTANTS_VERSION into the cache (once)"
    "$CARGO" install --locked --quiet --root "$SEVERN_CACHE/tools" --target-dir "$SEVERN_CACHE/tools/target" "cargo-mutants@$MUTANTS_VERSION"
    rm -rf "$SEVERN_CACHE/tools/target"
fi
# Dependencies are built once for all shards; a mutant costs its package alone.
export CARGO_TARGET_DIR="$SEVERN_CACHE/mutants-target" CARGO_INCREMENTAL=1
out="$SEVERN_CACHE/mutants/${shard//\//-of-}"
mkdir -p "$out"
files=()
for file in "$@"; do files+=(--file "$file"); done
# In a copy: a run that is stopped leaves no mutant in the source tree.
"$CARGO" mutants --config checks/mutants.toml --package access --shard "$shard" --jobs 1 --no-shuffle --output "$out" \
    "${files[@]}" -- --locked
