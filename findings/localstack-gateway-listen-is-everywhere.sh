#!/bin/sh
# LocalStack, told to listen on 127.0.0.1, listens on every interface.
#
# Version: localstack-core==4.13.1, its libraries as of 2026-03-10
# Expected: GATEWAY_LISTEN "configures the bind addresses", says the documentation, and 127.0.0.1:4566 is its default
#   outside of a container: with GATEWAY_LISTEN=127.0.0.1:PORT no other machine can reach it.
# Behaviour: its server takes the port alone, and binds 0.0.0.0, whichever IPv4 address is given: who can reach the
#   machine can call it, and LocalStack asks for no credentials. An IPv6 address is heeded, such as [::ffff:127.0.0.1],
#   at which clients of 127.0.0.1 reach it. In a container the ports that are published decide. (The project's pull
#   request 11601, about IPv6, names it as seen and left.)
# Seen on 2026-11-30, CPython 3.11.7 (3.13.0 says the same), Linux:
#   GATEWAY_LISTEN=127.0.0.1:PORT: bound to 0.0.0.0
#   GATEWAY_LISTEN=[::ffff:127.0.0.1]:PORT: bound to ::ffff:127.0.0.1
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq uv==0.13.9
timeout 300 venv/bin/uv pip install -q --system-certs --python venv/bin/python --exclude-newer 2026-03-10 \
  'localstack-core[base-runtime]==4.13.1'
timeout 200 venv/bin/python - <<'PYTHON'
import ipaddress
import os
import socket
import subprocess
import sys
import time
from pathlib import Path


def address_of(text):
    """The address as the kernel writes it: words of 32 bits, each in the machine's order."""
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)))


def listening(port):
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.append(address_of(address))
    return found


def outcome(host):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "GATEWAY_LISTEN": f"{host}:{port}",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "FILESYSTEM_ROOT": str(Path(f"root-{port}").absolute()),
        "SERVICES": "sqs",
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "OVERRIDE_IN_DOCKER": "0",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "localstack.runtime.main"],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not listening(port):
            time.sleep(0.5)
        return [address.replace("::ffff:7f00:1", "::ffff:127.0.0.1") for address in listening(port)]
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(20)


seen = []
for host in ("127.0.0.1", "[::ffff:127.0.0.1]"):
    seen.append(outcome(host))
    print(f"GATEWAY_LISTEN={host}:PORT: bound to", *seen[-1])
sys.exit(seen != [["0.0.0.0"], ["::ffff:127.0.0.1"]])
PYTHON
