#!/bin/sh
# rich: once nobody reads stderr, a Console on stderr turns stdout off too, and the process may still exit with 0.
#
# Version: rich==15.0.0
# Expected: where the reader of stderr has gone, what is printed there is lost, or an exception says so; stdout, which
#   has a reader, is written as before.
# Behaviour: Console(stderr=True).print() puts /dev/null in the place of the process's stdout and raises SystemExit(1).
#   In a thread that exception ends the thread without a word: the program goes on, all that it prints to stdout is
#   lost, and it exits with 0. The documentation of on_broken_pipe says that the app exits, and names no stdout.
# Seen on 2026-11-28:
#   with print(..., file=sys.stderr): status 0, stdout: before, after
#   with Console(stderr=True).print(...): status 0, stdout: before
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq rich==15.0.0
cat >program.py <<'PYTHON'
import sys
from threading import Thread

from rich.console import Console

WAYS = {
    "print(..., file=sys.stderr)": lambda text: print(text, file=sys.stderr, flush=True),
    "Console(stderr=True).print(...)": Console(stderr=True).print,
}


def progress(way):
    try:
        WAYS[way]("some progress")
    except BrokenPipeError:
        pass


print("before", flush=True)
thread = Thread(target=progress, args=sys.argv[1:])
thread.start()
thread.join()
print("after", flush=True)
PYTHON
timeout 60 venv/bin/python - <<'PYTHON'
import os
import subprocess
import sys


def outcome(way):
    """Run the program with a stderr whose reader has gone; return its exit status, and what it printed to stdout."""
    reader, writer = os.pipe()
    os.close(reader)
    program = subprocess.run(
        ["venv/bin/python", "program.py", way],
        check=False,
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
        timeout=20,
    )
    os.close(writer)
    return program.returncode, program.stdout.split()


seen = []
for way in "print(..., file=sys.stderr)", "Console(stderr=True).print(...)":
    status, lines = outcome(way)
    seen.append((status, lines))
    print(f"with {way}: status {status}, stdout: {', '.join(lines)}")
sys.exit(seen != [(0, ["before", "after"]), (0, ["before"])])
PYTHON
