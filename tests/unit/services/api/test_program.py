"""The API's program."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.config import ROOT
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready

PATIENCE_SECONDS = 120


@pytest.mark.usefixtures("plain_environment")
async def test_it_takes_http_as_all_our_servers_do(tmp_path: Path) -> None:
    port = free_port()
    settings = {"API_PORT": str(port), "HEALTH_PORT": str(free_port()), "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **settings, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "services.api"]
    log = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log) as api:  # noqa: ASYNC220, S603  # nothing of it is a user's
        try:
            probe = http_probe(f"http://127.0.0.1:{port}/healthcheck")
            await asyncio.to_thread(wait_until_ready, "The API", probe, PATIENCE_SECONDS)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthcheck HTTP/1.1\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
            writer.close()
        finally:
            api.terminate()
