#!/bin/sh
# A reason phrase in Latin-1 fails a request through httpx-aiohttp that httpx's own transport makes.
#
# Version: httpx-aiohttp==0.2.0, httpx==0.28.1, aiohttp==3.14.5
# Expected: a reason phrase may hold bytes above 127 (obs-text in RFC 9112) and means nothing to a client: a 200 is a
#   200, whichever transport httpx uses. What does fail raises an httpx.HTTPError.
# Behaviour: aiohttp decodes the phrase as UTF-8 with surrogates, the transport encodes it strictly, and a
#   UnicodeEncodeError, which is no httpx.HTTPError, comes out of the request.
# Seen on 2026-11-28:
#   AsyncHTTPTransport: 200 b'Cr\xe9\xe9'
#   AiohttpTransport: UnicodeEncodeError
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq httpx-aiohttp==0.2.0 httpx==0.28.1 aiohttp==3.14.5
timeout 60 venv/bin/python - <<'PYTHON'
import asyncio
import sys

import httpx
from httpx_aiohttp import AiohttpTransport


async def serve(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write("HTTP/1.1 200 Créé\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1"))
    writer.close()


async def outcome(transport):
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with httpx.AsyncClient(transport=transport(), timeout=5) as client:
        try:
            response = await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            return f"{response.status_code} {response.extensions['reason_phrase']}"
        except Exception as error:
            return type(error).__name__
        finally:
            server.close()


seen = []
for transport in (httpx.AsyncHTTPTransport, AiohttpTransport):
    seen.append(asyncio.run(outcome(transport)))
    print(f"{transport.__name__}: {seen[-1]}")
sys.exit(seen != [r"200 b'Cr\xe9\xe9'", "UnicodeEncodeError"])
PYTHON
