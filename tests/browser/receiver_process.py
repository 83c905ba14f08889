"""The receiver as a process of its own, which a test can stop and start again on its port."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from stack.config import ROOT
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.end_to_end.client import PATIENCE_SECONDS, SOON_CLOSED

SUCCESS = {"results": [{"sum": 123.76}], "errors": []}


class ReceiverProcess:
    """`python -m receiver` on a free port, with a database in this directory."""

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        self._log = directory / "receiver.log"
        self._database = directory / "receiver.sqlite3"
        self.url = f"http://127.0.0.1:{self._port}"
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_SECONDS, limits=SOON_CLOSED)

    def start(self) -> None:
        """Start it and wait until it listens."""
        settings = {"RECEIVER_PORT": str(self._port), "RECEIVER_DATABASE": str(self._database)}
        environment = {**os.environ, **settings, "CALLBACK_SIGNING_SECRET": "", "LOG_FORMAT": "json"}
        with self._log.open("a") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "receiver"], cwd=ROOT, env=environment, stdout=log)
        wait_until_ready("receiver", http_probe(f"{self.url}/healthcheck"), PATIENCE_SECONDS)

    def stop(self) -> None:
        """Stop it in order."""
        self._process.terminate()
        self._process.wait()

    def close(self) -> None:
        """Stop it where it runs."""
        self.client.close()
        if self._process.returncode is None:
            self.stop()

    def deliver(self, task_id: str, body: Any = SUCCESS, query: str = "") -> int:
        """Deliver a callback; the status that answers it."""
        return self.client.post(f"/callback?{query}", json=body, headers={"webhook-id": task_id}).status_code

    @contextmanager
    def delivering(self, task_id: str, query: str) -> Iterator[None]:
        """Deliver a callback that is not answered as a whole; its sender leaves at the end."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("POST", f"/callback?{query}", json.dumps(SUCCESS), {"webhook-id": task_id})
        yield
        connection.close()

    def alert(self, **message: Any) -> None:
        """Post a message to the Slack stand-in."""
        answer = self.client.post(
            "/slack/api/chat.postMessage",
            json={"channel": "#alerts", **message},
            headers={"authorization": "Bearer xoxb-test"},
        )
        assert answer.json()["ok"], json.dumps(answer.json())
