#!/bin/sh
# aiohttp's TCPConnector(limit=N) does not bound the connections that are kept idle.
#
# Version: aiohttp==3.14.5
# Expected: "total number of simultaneous connections" bounds how many sockets the connector has open.
# Behaviour: only connections with a request on them count. Each host that has been asked leaves an idle one (for
#   15 seconds by default), so a client of many hosts holds far more sockets than the limit.
# Seen on 2026-11-28:
#   limit 2, 30 servers asked one after another: 30 connections open at once
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq aiohttp==3.14.5
timeout 60 venv/bin/python - <<'PYTHON'
import asyncio
import sys

import aiohttp

LIMIT, SERVERS = 2, 30
connections = set()


async def serve(reader, writer):
    connections.add(writer)
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    except asyncio.IncompleteReadError:
        pass
    finally:
        connections.discard(writer)
        writer.close()


async def main():
    servers = [await asyncio.start_server(serve, "127.0.0.1", 0) for _ in range(SERVERS)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=LIMIT)) as session:
        for server in servers:
            async with session.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as response:
                await response.read()
        await asyncio.sleep(1)
        open_now = len(connections)
    for server in servers:
        server.close()
    await asyncio.sleep(0.2)
    return open_now


open_now = asyncio.run(main())
print(f"limit {LIMIT}, {SERVERS} servers asked one after another: {open_now} connections open at once")
sys.exit(open_now != SERVERS)
PYTHON
