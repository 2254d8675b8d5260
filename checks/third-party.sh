#!/usr/bin/env bash
# Checks that share no code with Severn, run against its binary: third-party pairs, the leaf census, client
# libraries, and FHIR servers that nobody here wrote.
# PAIRS, ALTERATIONS: how many (all pairs and 30 by default).
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
third_party_data
"$CARGO" build --locked --package server --bin severn
status=0
if [ -n "${SEVERN_DATA:-}" ]; then
    venv="$(checks/venv.sh pairs)"
    step "third-party pairs" "$venv/bin/python" checks/pairs/run.py --severn "$SEVERN_BIN" --data "$SEVERN_DATA" \
        ${PAIRS:+--pairs "$PAIRS"} --alterations "${ALTERATIONS:-30}" || status=1
    # Of another build than the rest: in one for debugging a file of 50,000 people takes a minute.
    "$CARGO" build --locked --release --package server --bin severn
    step "linkage" python3 checks/linkage/score.py --severn "$(dirname "$SEVERN_BIN")/../release/severn" --data "$SEVERN_DATA" || status=1
    step "leaf census" python3 checks/census/census.py --severn "$SEVERN_BIN" --data "$SEVERN_DATA" || status=1
else
    say "third-party pairs and leaf census: skipped, no third-party data"
fi
step "client libraries" checks/clients/run.sh || status=1
step "independent servers" checks/servers/run.sh || status=1
exit "$status"
