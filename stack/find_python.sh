#!/bin/sh
# Prints the interpreter of the newest minor version of Python that is found here and runs: 3.13 before 3.12, before 3.11.
#
#   stack/find_python.sh [VERSION]   VERSION, such as 3.11: that one alone
#
# Exit status 1 where there is none. Those on PATH come first, then what pyenv and uv have installed: pyenv puts a name
# on PATH for each, which runs nothing where another version is chosen, and uv puts none there unless it is asked to.
# One that all of the stack can run on comes before a newer one that lacks a part of the standard library: Debian parts
# venv from its Python, and a Python that was built without a library's headers has no module for it.
set -eu

versions=${1:-3.13 3.12 3.11}
home=${HOME:-/}
of_pyenv=${PYENV_ROOT:-$home/.pyenv}/versions
of_uv=${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-$home/.local/share}/uv/python}

# The first interpreter that runs the code.
find_one() {
    for version in $versions; do
        for candidate in "python$version" "$of_pyenv/$version".*/bin/"python$version" "$of_uv/cpython-$version".*/bin/"python$version"; do
            if "$candidate" -c "$1" 2>/dev/null; then
                command -v "$candidate"
                return
            fi
        done
    done
    return 1
}

# Neither a release to come nor a build without the lock: the libraries have no wheels for it.
is_usual='import sys, sysconfig; assert sys.version_info.releaselevel == "final"; assert not sysconfig.get_config_var("Py_GIL_DISABLED")'

find_one "$is_usual; import ctypes, ensurepip, sqlite3, ssl, venv" || find_one "$is_usual"
