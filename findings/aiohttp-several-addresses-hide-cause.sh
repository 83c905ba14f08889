#!/bin/sh
# aiohttp's ClientConnectorError says "[None]" for its cause where a host's addresses fail in different ways.
#
# Version: aiohttp==3.14.5, aiohappyeyeballs==2.7.1
# Expected: the exception's text names the cause or causes, and os_error.errno is a number, as with one address.
# Behaviour: where an IPv6 and an IPv4 address fail with different errors, errno is None and the text ends in "[None]".
#   So a log shows no cause, and code that judges by errno finds none. (The causes are in os_error's own text. Where
#   all fail alike, there is an errno.)
# Seen on 2026-11-28:
#   127.0.0.1: errno ECONNREFUSED, text ends in [Connect call failed ('127.0.0.1', PORT)]
#   127.255.255.255: errno ENETUNREACH, text ends in [Network is unreachable]
#   ::1 and 127.255.255.255: errno None, text ends in [None]
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq aiohttp==3.14.5 aiohappyeyeballs==2.7.1
timeout 60 venv/bin/python - <<'PYTHON'
import asyncio
import errno
import socket
import sys

import aiohttp
from aiohttp.abc import AbstractResolver


class Resolver(AbstractResolver):
    """Answers with the given addresses, as a name server may."""

    def __init__(self, addresses):
        self.addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in self.addresses
        ]

    async def close(self):
        pass


async def failure(addresses):
    with socket.socket() as unheard:  # bound, but not listening: refuses
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        connector = aiohttp.TCPConnector(resolver=Resolver(addresses))
        async with aiohttp.ClientSession(connector=connector) as session:
            try:
                await session.get(f"http://host.test:{port}/")
            except aiohttp.ClientConnectorError as error:
                cause = "[" + str(error).replace(str(port), "PORT").partition(" [")[2]
                return errno.errorcode.get(error.os_error.errno), cause


seen = []
for addresses in (["127.0.0.1"], ["127.255.255.255"], ["::1", "127.255.255.255"]):
    seen.append(asyncio.run(failure(addresses)))
    print("{}: errno {}, text ends in {}".format(" and ".join(addresses), *seen[-1]))
sys.exit([number for number, _ in seen] != ["ECONNREFUSED", "ENETUNREACH", None] or seen[2][1] != "[None]")
PYTHON
