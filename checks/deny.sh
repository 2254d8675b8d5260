#!/usr/bin/env bash
# Bans, licences and sources of every dependency (deny.toml), and advisories where their database can be had.
# cargo-deny is built once into the cache: some minutes, then never again for that version.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
DENY_VERSION=0.20.2

if ! cargo-deny --version 2>/dev/null | grep -qF "$DENY_VERSION"; then
    say "building cargo-deny $DENY_VERSION into the cache (once; some minutes)"
    "$CARGO" install --locked --quiet --root "$SEVERN_CACHE/tools" --target-dir "$SEVERN_CACHE/tools/target" \
        "cargo-deny@$DENY_VERSION"
    rm -rf "$SEVERN_CACHE/tools/target"
fi

cargo-deny --log-level error check --hide-inclusion-graph bans licenses sources
# Only a run that really read the database may fail for what it says.
if timeout 60 cargo-deny --log-level error fetch db >"$SEVERN_CACHE/advisories.log" 2>&1; then
    cargo-deny --log-level error check --disable-fetch advisories
else
    say "advisories: NOT CHECKED, their database could not be had from here (see advisories.log in the cache)"
fi
