#!/bin/sh
# Makes sure that a program is there which the tests run and Python's packages do not bring.
#
#   tests/debian_program.sh PROGRAM [PACKAGE]
#
# Where it is missing, root gets Debian's package (named as the program, unless given); anyone else reads what to install.
set -eu

program=$1
package=${2:-$1}

command -v "$program" >/dev/null && exit

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "$program is missing: install it (on Debian: sudo apt-get install $package)." >&2
    exit 1
fi

echo "Installing Debian's $package (a minute or so, once) …"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package"; } >"$output" 2>&1; then
    cat "$output" >&2
    echo "Debian's $package could not be installed: the lines above say why." >&2
    exit 1
fi
