#!/bin/sh
# yarl drops the "?" of an empty query, even from a URL that it is told to take as it is.
#
# Version: yarl==1.25.1, aiohttp==3.14.5 (to show what is sent)
# Expected: URL(text, encoded=True) keeps the text: its str() is what was given, and so is the request target. RFC 3986
#   (6.2.3) says that "http://example.com/?" cannot be assumed to be equivalent to the same without the "?".
# Behaviour: the "?" is gone, in str() and on the wire, so a receiver that signs or compares its URL sees another one.
# Seen on 2026-11-28:
#   str(URL('http://h/p?', encoded=True)) = 'http://h/p'
#   asked for /p?, sent: GET /p HTTP/1.1
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq yarl==1.25.1 aiohttp==3.14.5
timeout 60 venv/bin/python - <<'PYTHON'
import asyncio
import sys

import aiohttp
from yarl import URL


async def sent():
    lines = []

    async def serve(reader, writer):
        lines.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        async with session.get(URL(f"http://127.0.0.1:{port}/p?", encoded=True)):
            pass
    server.close()
    return lines[0]


text = str(URL("http://h/p?", encoded=True))
print(f"str(URL('http://h/p?', encoded=True)) = {text!r}")
line = asyncio.run(sent())
print(f"asked for /p?, sent: {line}")
sys.exit((text, line) != ("http://h/p", "GET /p HTTP/1.1"))
PYTHON
