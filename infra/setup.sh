#!/bin/sh
# Makes .venv with the pinned requirements, and installs the Debian packages that the local stack is built with.
# Says nothing and does nothing where all of it is there. Needs Python 3.11 or newer, and root or sudo for packages.
set -eu
cd "$(dirname "$0")/.."
# One at a time: another make in the same folder waits here.
exec 9<"$PWD"
flock 9

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 2; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Runs a command, its output shown only when it fails.
quietly() { "$@" >"$log" 2>&1 || { status=$?; tail -n 20 "$log" >&2; return "$status"; }; }

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and there is none: install it (apt-get install python3) and try again."
}

lists_are_new=
install_packages() {
    if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
    if ! command -v apt-get >/dev/null || { [ -n "$as_root" ] && ! command -v sudo >/dev/null; }; then
        say "cannot install $* here (that takes apt-get, and root or sudo): install it yourself and try again."
        return 1
    fi
    if [ -z "$lists_are_new" ]; then
        say "fetching Debian's package lists"
        quietly $as_root apt-get update || say "apt-get update failed; going on with the lists there are."
        lists_are_new=yes
    fi
    say "installing $*"
    quietly $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" ||
        { say "apt-get could not install $* (its words are above)."; return 1; }
}

java_is_new() {
    java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | { read -r major && [ "$major" -ge 17 ]; }
}

has_debootstrap() { PATH="$PATH:/usr/sbin:/sbin" command -v debootstrap >/dev/null; }

# The packages that the servers are built with, unless every server is given by a setting.
if [ -z "${TENGERIM_DATABASE:-}" ] || [ -z "${TENGERIM_REDIS:-}" ] || [ -z "${TENGERIM_PROMETHEUS:-}" ] ||
    [ -z "${TENGERIM_ALERTMANAGER:-}" ]; then
    keyring=${TENGERIM_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
    if ! has_debootstrap || ! [ -e "$keyring" ]; then
        install_packages debootstrap debian-archive-keyring tzdata || exit 2
    fi
fi
if [ -z "${TENGERIM_KAFKA:-}" ]; then
    # Without Java and Maven the stack takes a stand-in for Kafka, and says so.
    java_is_new || install_packages default-jre-headless || true
    java_is_new || install_packages openjdk-17-jre-headless || say "going on without Java."
    command -v mvn >/dev/null || install_packages maven || say "going on without Maven."
fi

# The tests prove the columnstore layer on a TimescaleDB that is a package of Node's.
if [ "${1:-}" = test ] && ! command -v npm >/dev/null; then
    install_packages nodejs npm || say "going on without npm: the tests of the columnstore layer will be skipped."
fi

# They open the page in a real browser.
if [ "${1:-}" = test ] && ! command -v chromium >/dev/null; then
    install_packages chromium fonts-dejavu-core || exit 2
fi

python=$(find_python)
state="$PWD $("$python" -V) $(cat requirements-dev.txt pyproject.toml | sha256sum)"
stamp=.venv/setup.stamp
if [ -x .venv/bin/python ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then
    exit 0
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_packages "python$version-venv" || install_packages python3-venv || exit 2
    fi
    say "making .venv with $("$python" -V)"
    rm -rf .venv
    quietly "$python" -m venv .venv || fail "python -m venv failed: see its words above."
fi
pip() { quietly .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }
say "installing the pinned requirements into .venv (about a minute the first time)"
pip install --require-hashes -r requirements-dev.txt ||
    fail "pip could not install requirements-dev.txt (its words are above): check the network and try again."
pip install --no-deps --no-build-isolation -e . ||
    fail "pip could not install the project itself (its words are above): is pyproject.toml as it should be?"
printf '%s\n' "$state" >"$stamp"
say "done"
