#!/usr/bin/env bash
# Attacks by scripts and tools that share no code with Severn, against a running demo on the loopback.
#   security.sh [tokens] [tls] [openapi]   these, or all of them
# OPENAPI_EXAMPLES: examples an operation (3 by default); OPENAPI_SECONDS: for how long at most (120). OPENAPI_ONLY: only paths that match.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(tokens tls openapi)
"$CARGO" build --locked --package server --bin severn
venv="$(checks/venv.sh security)"
status=0
for part in "${parts[@]}"; do
    case "$part" in
    tokens) step "tokens" "$venv/bin/python" checks/security/tokens.py --severn "$SEVERN_BIN" || status=1 ;;
    tls) step "tls" "$venv/bin/python" checks/security/tls.py --severn "$SEVERN_BIN" || status=1 ;;
    openapi)
        step "schemathesis" "$venv/bin/python" checks/security/openapi.py --severn "$SEVERN_BIN" --schemathesis "$venv/bin/schemathesis" \
            --examples "${OPENAPI_EXAMPLES:-3}" --seconds "${OPENAPI_SECONDS:-120}" --include "${OPENAPI_ONLY:-}" || status=1
        ;;
    *) fail "security: no part $part" ;;
    esac
done
exit "$status"
