#!/usr/bin/env bash
# Sees to what a fresh Debian machine with a Rust toolchain may lack. `build`: to build, run and test; Node and npm bring the styles of the pages.
# `journeys`: also Chromium, for walking the pages.
# `checks`: also Python with venv for the third-party checks.
# Debian packages are installed when we are root or sudo asks for no password; else the command is printed.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

missing=()
want() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }

rust() {
    command -v "$CARGO" >/dev/null 2>&1 || fail "no Rust toolchain: install rustup, then \`rustup toolchain install stable\`"
    local have need
    have="$(rustc --version | awk '{print $2}')"
    need="$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$ROOT/Cargo.toml" | head -1)"
    if [ "$(printf '%s\n%s\n' "$need" "${have%%-*}" | sort -V | head -1)" != "$need" ]; then
        fail "Rust $have is too old: Severn needs $need or later (\`rustup update stable\`)"
    fi
}

# A venv cannot be made where Debian split ensurepip off, though python3 itself is there.
python() {
    command -v python3 >/dev/null 2>&1 || missing+=(python3 python3-venv)
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)
}

# Debian keeps the server's programs in a folder for each version; the tests start servers of their own.
postgresql() {
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null 2>&1 || missing+=(postgresql)
}

install_missing() {
    [ ${#missing[@]} -eq 0 ] && return
    local sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true >/dev/null 2>&1 && sudo="sudo" ||
            fail "missing: ${missing[*]}. Run: sudo apt-get install ${missing[*]}"
    fi
    command -v apt-get >/dev/null 2>&1 || fail "missing: ${missing[*]} (no apt-get here to install them)"
    say "installing from Debian: ${missing[*]}"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

for group in "$@"; do
    case "$group" in
    build)
        rust
        want cc gcc
        want cc libc6-dev
        want git git
        want python3 python3
        want zstd zstd
        want node nodejs
        want npm npm
        want tar tar
        postgresql
        ;;
    checks)
        python
        want curl curl
        want c++ g++
        ;;
    journeys)
        want node nodejs
        want npm npm
        want chromium chromium
        ;;
    *) fail "setup: no group $group" ;;
    esac
done
install_missing
