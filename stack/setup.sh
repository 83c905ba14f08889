#!/bin/sh
# Makes a virtual environment from a lock, again only when the lock or the Python is another one.
#
#   stack/setup.sh VENV LOCK NAME [LARGER]   LARGER: a lock with all of LOCK in it; what was made from it will do
#   stack/setup.sh --any VENV LOCK NAME      what was made before will do, of whichever lock and Python
#   stack/setup.sh --lazy VENV LOCK NAME     little of it is ever loaded: that is compiled to bytecode when it is
#   stack/setup.sh --remove VENV             removes what it has made
#
#   --project DIR, before VENV               with what DIR/requirements.txt asks for besides, in versions that the lock
#                                            leaves open; it finds the packages of this clone, and those in DIR
#
# VENV is a link to the environment, which has a folder of its own beside it, whose packages never change once it is
# whole: a build that fails or is killed leaves VENV as it was, and a stack that runs keeps what it was started with. Each
# such folder has a file made-from, empty until it is whole: what has none is somebody's own, and is not touched.
#
# uv installs (stack/install.py). It has an environment of its own, which is made first, and serves those that are made
# later by the Python of one that was made before; where it cannot be had pip installs.
#
# PYTHON names the interpreter; unset, it is VENV's, and at first the newest that is found (stack/find_python.sh).
# This runs on a machine that has nothing yet, so it is plain sh.
set -eu

option=
project=
while case $1 in --*) ;; *) false ;; esac do
    if [ "$1" = --project ]; then
        project=$(cd "$2" && pwd -P)
        shift
    else
        option=$1
    fi
    shift
done
venv=${1%/}
venv=${venv:-/}
lock=${2:-}
name=${3:-}
larger=${4:-}

# Else all of it is compiled: LocalStack's in 7 s of CPU, where what it loads takes 2.
[ "$option" != --lazy ] || export UV_COMPILE_BYTECODE=0 PIP_COMPILE=0

here=$(cd "$(dirname "$0")" && pwd -P)
requirements=$project/requirements.txt
uv_lock=$here/../requirements/uv.txt

refuse() {
    echo "$*" >&2
    exit 1
}

# The version of an interpreter that is new enough.
version_of() {
    "$1" -c 'import platform, sys; sys.version_info < (3, 11) and sys.exit(1); print(platform.python_version())' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    elif version_of "$venv/bin/python" >/dev/null; then
        set -- "$venv/bin/python"
    else
        # The latter may be newer than what the tests run on.
        set -- "$("$here/find_python.sh" || echo python3)"
    fi
    version_of "$1" >/dev/null || refuse "Python 3.11 or later is needed, $1 is none: install it, or name one with PYTHON=…"
    command -v "$1"
}

# Of what an environment of this lock is made.
checksum_of() {
    {
        cat "$1"
        if [ -n "$project" ]; then
            echo "$here" "$project"
            [ ! -f "$requirements" ] || "$python" "$here/requirement_files.py" "$requirements"
        fi
    } | cksum
}

# Whether it is whole, and of this lock, with the Python that is to be used.
# Where a system's update has put another patch release under the same path, the packages are still right.
is_made_from() {
    [ -s "$1/made-from" ] || return
    read -r made_with made_from <"$1/made-from"
    [ "$made_from" = "$(checksum_of "$2")" ] && [ "${made_with%.*}" = "${version%.*}" ] && [ "$(version_of "$1/bin/python")" = "$version" ]
}

is_current() {
    is_made_from "$venv" "$lock" || { [ -n "$larger" ] && is_made_from "$venv" "$larger"; }
}

require_own_place() {
    parent=$(dirname "$venv")
    if ! mkdir -p "$parent" 2>/dev/null || [ ! -w "$parent" ]; then
        refuse "$name cannot be installed into $venv: $parent cannot be written to. Name another folder with VENV=…"
    fi
    if [ -e "$venv" ] && [ ! -e "$venv/made-from" ] && ! rmdir "$venv" 2>/dev/null; then
        refuse "$venv is there already, and this project has not made it: move it away, or name another folder with VENV=…"
    fi
}

# The system's lock, held by this shell and what it starts, so nobody who was killed holds it. It needs no flock command.
lock_alone() {
    exec 9>>"$venv.made-lock"
    if ! "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; then
        echo "Waiting for $(cat "$venv.made-lock") (Ctrl-C: leave it alone) …"
        "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    fi
    echo "process $$ to install $name" >"$venv.made-lock"
}

# Debian parts venv from its Python.
require_venv() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        refuse "$python cannot make virtual environments: install python3-venv (sudo apt-get install python3-venv)."
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

# Makes uv's environment where it is missing or its lock has changed. Whatever Python that is of will do.
have_uv() {
    [ "$lock" != "$uv_lock" ] || return
    beside=$(dirname "$(dirname "$python")")
    [ -s "$beside/made-from" ] || beside=$venv
    installer=$beside-uv/bin/python
    named=$python
    [ ! -x "$installer" ] || named=
    PYTHON=$named "$0" --lazy "$beside-uv" "$uv_lock" "uv, which installs all else," && return
    echo "uv cannot be had, see above: pip installs $name, which takes a minute or two …"
    return 1
}

# Whether the interpreter has a pip that can install into another environment (22.3 or later).
has_pip() {
    "$1" -m pip --python "$1" --version >/dev/null 2>&1
}

# Lines of a .pth file are where Python looks too: https://docs.python.org/3/library/site.html
add_project() {
    [ -n "$project" ] || return 0
    if [ -f "$requirements" ]; then
        "$installer" "$here/install.py" "$1" "$requirements" --within "$lock" || {
            echo "What $requirements asks for cannot be installed, see above. The stack's own libraries keep their versions." >&2
            return 1
        }
    fi
    for packages in "$1"/lib/python3*/site-packages; do
        printf '%s\n' "$project" "$(dirname "$here")" >"$packages/async-tasks.pth"
    done
}

build() {
    mkdir "$1"
    : >"$1/made-from"
    if have_uv || { installer=$python && has_pip "$python"; }; then
        quietly "$python" -m venv --without-pip "$1"
    else
        installer=$1/bin/python
        quietly "$python" -m venv "$1"
    fi && "$installer" "$here/install.py" "$1" "$lock" && add_project "$1" && echo "$version $checksum" >"$1/made-from"
}

# The mark goes last: what is removed by half is ours still.
remove() {
    [ -e "$1/made-from" ] || return 0
    if [ -L "$1" ]; then
        rm "$1"
        return
    fi
    find "$1" -mindepth 1 -maxdepth 1 ! -name made-from -exec rm -rf {} +
    rm -rf "$1"
}

# A native stack runs its programs by the path of their environment, Node.js from among its packages.
is_used() {
    # pgrep would take the path as a pattern.
    # shellcheck disable=SC2009
    running=$(ps -A -ww -o args= 2>/dev/null) || return 0
    printf '%s\n' "$running" | grep -qF "$(cd "$1" && pwd -P)/"
}

remove_unused() {
    for other in "$venv".made-*; do
        if [ "$other" != "$1" ] && [ -d "$other" ] && ! is_used "$other"; then
            remove "$other"
        fi
    done
}

point_to() {
    # An earlier version of this project made it in place.
    if [ -d "$venv" ] && [ ! -L "$venv" ]; then
        remove "$venv.made-before"
        mv "$venv" "$venv.made-before"
    fi
    ln -sfn "$(basename "$1")" "$venv"
}

if [ "$option" = --remove ]; then
    for each in "$venv" "$venv".made-*; do
        remove "$each"
    done
    rm -f "$venv.made-lock"
    exit
fi

if [ "$option" = --any ] && [ -s "$venv/made-from" ] && version_of "$venv/bin/python" >/dev/null; then
    exit
fi

python=$(find_python)
version=$(version_of "$python")
checksum=$(checksum_of "$lock")
is_current && exit

require_own_place
lock_alone
is_current && exit

made=$venv.made-$version-${checksum%% *}
if ! is_made_from "$made" "$lock"; then
    require_venv
    echo "Installing $name into $venv with Python $version (once) …"
    remove "$made"
    build "$made" || {
        remove "$made"
        exit 1
    }
fi
point_to "$made"
remove_unused "$made"
