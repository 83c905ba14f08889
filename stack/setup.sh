#!/bin/sh
# Makes a virtual environment from a lock, again only when the lock or the Python version has changed.
#
#   stack/setup.sh VENV LOCK NAME
#
# PYTHON names the interpreter; unset, it is the first of the candidates below that is new enough.
# This runs on a machine that has nothing yet, so it is plain sh.
set -eu

venv=$1
lock=$2
name=$3

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "Python 3.11 or later is needed, ${PYTHON:-python3} is none: install it, or name one with PYTHON=…" >&2
    return 1
}

# Debian parts venv from its Python.
require_venv() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "$python cannot make virtual environments: install python3-venv (sudo apt-get install python3-venv)." >&2
        return 1
    fi
    echo "Installing Debian's python3-venv, which $python lacks (about 20 s, once) …"
    quietly sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv'
}

# Runs a command and shows its output only when it fails.
quietly() {
    output=$(mktemp)
    if "$@" >"$output" 2>&1; then
        rm -f "$output"
        return
    fi
    cat "$output" >&2
    rm -f "$output"
    echo "Failed: $*" >&2
    return 1
}

python=$(find_python)
version=$("$python" -c 'import platform; print(platform.python_version())')
wanted="$version $(cksum <"$lock")"

if [ "$(cat "$venv/made-from" 2>/dev/null)" = "$wanted" ]; then
    exit
fi

require_venv
echo "Installing $name into $venv with Python $version (a minute or so, once) …"
rm -rf "$venv"
quietly "$python" -m venv "$venv"
quietly "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes -r "$lock"
echo "$wanted" >"$venv/made-from"
