#!/bin/sh
# A call of anyio's to_process.run_sync that is cancelled while its process starts leaves that process running.
#
# Version: anyio==4.16.0
# Expected: with cancellable=True "the worker process running it will be abruptly terminated", as the documentation says,
#   whenever the cancellation comes.
# Behaviour: a cancellation in the tenth of a second in which the process starts leaves it: it is neither ended nor put
#   into the pool, so no later call uses it, and none ends it for being idle; it is there for as long as its parent is.
#   (The project has an open pull request for it, 1337.)
# Seen on 2026-11-30, CPython 3.11.7 (3.13.0 says the same):
#   cancelled while it runs: 0 left
#   cancelled while it starts, three times: 3 left
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq anyio==4.16.0
cat >left.py <<'PYTHON'
import asyncio
import os
import time
from pathlib import Path

from anyio import to_process


def left():
    """Return how many processes this one has (Linux)."""
    stats = (path.read_text() for path in Path("/proc").glob("[0-9]*/stat"))
    return sum(stat.rpartition(")")[2].split()[1] == str(os.getpid()) for stat in stats)


async def call_for(seconds, function, *arguments):
    try:
        async with asyncio.timeout(seconds):
            await to_process.run_sync(function, *arguments, cancellable=True)
    except TimeoutError:
        pass


async def main():
    await to_process.run_sync(bool)
    await call_for(0.5, time.sleep, 60)
    await asyncio.sleep(1)
    print("cancelled while it runs:", left(), "left")
    for _ in range(3):
        await call_for(0.01, bool)
    await asyncio.sleep(1)
    print("cancelled while it starts, three times:", left(), "left")


if __name__ == "__main__":
    asyncio.run(main())
PYTHON
seen=$(timeout 60 venv/bin/python left.py 2>errors.txt) || { cat errors.txt; exit 1; }
echo "$seen"
[ "$seen" = "cancelled while it runs: 0 left
cancelled while it starts, three times: 3 left" ]
