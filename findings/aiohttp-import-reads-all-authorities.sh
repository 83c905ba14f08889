#!/bin/sh
# A program that only serves HTTP by aiohttp reads every certificate authority of the machine when it starts.
#
# Version: aiohttp==3.14.5
# Expected: the machine's certificate authorities are read by who makes the first verified connection over TLS: a server,
#   or a client of plain HTTP, has nothing to verify.
# Behaviour: `import aiohttp.web` imports the client, whose module makes a verifying SSL context, and its file of
#   authorities is read, when it is imported. A process that is started for each piece of work pays for it each time.
# Seen on 2026-11-29, CPython 3.11.7, Debian's ca-certificates (25 ms of CPU of an import that takes 230):
#   import aiohttp.web: authorities read
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq aiohttp==3.14.5
cat >read.py <<'PYTHON'
import ssl

times = 0
load = ssl.SSLContext.set_default_verify_paths


def counted(context):
    global times
    times += 1
    return load(context)


ssl.SSLContext.set_default_verify_paths = counted
import aiohttp.web  # noqa: E402,F401

print("import aiohttp.web: authorities", "read" if times else "not read")
PYTHON
seen=$(timeout 60 venv/bin/python read.py)
echo "$seen"
[ "$seen" = "import aiohttp.web: authorities read" ]
