#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET…]: every fuzz target for that long. Stable Rust, so without a sanitizer.
# A finding is kept under fuzz/artifacts and fails the run; corpora are kept in the cache and grow.
# With FUZZ_SEED the dice are cast by it, and only the project's own seeds are begun from: a gate says the same of a commit twice, and
# what nobody knew yet is searched for by `make long`.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
seconds="${1:-30}"
shift || true
FUZZ_VERSION=0.13.2

if [ ! -f fuzz/Cargo.toml ]; then
    say "fuzz: no fuzz/Cargo.toml, nothing to run"
    exit 0
fi
if ! cargo-fuzz --version 2>/dev/null | grep -qF "$FUZZ_VERSION"; then
    say "building cargo-fuzz $FUZZ_VERSION into the cache (once)"
    "$CARGO" install --locked --quiet --root "$SEVERN_CACHE/tools" --target-dir "$SEVERN_CACHE/tools/target" "cargo-fuzz@$FUZZ_VERSION"
    rm -rf "$SEVERN_CACHE/tools/target"
fi
export CARGO_TARGET_DIR="$SEVERN_CACHE/fuzz-target"
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <("$CARGO" fuzz list)
[ ${#targets[@]} -gt 0 ] || fail "fuzz: fuzz/Cargo.toml names no target"
status=0
for target in "${targets[@]}"; do
    corpus="$SEVERN_CACHE/corpus/$target" seeds=() dice=()
    if [ -n "${FUZZ_SEED:-}" ]; then
        corpus="$SEVERN_CACHE/corpus-of-seed/$target" dice=("-seed=$FUZZ_SEED")
        rm -rf "$corpus"
    fi
    [ -d "fuzz/seeds/$target" ] && seeds=("fuzz/seeds/$target")
    [ -d "fuzz/corpus/$target" ] && seeds+=("fuzz/corpus/$target")
    mkdir -p "$corpus"
    step "fuzz $target" "$CARGO" fuzz run -s none "$target" "$corpus" "${seeds[@]}" -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -verbosity=0 "${dice[@]}" || status=1
done
exit "$status"
