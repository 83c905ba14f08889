"""A real HTTP server of this machine that answers as it is set to, and a `docker` that does."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Answer = tuple[int, Any]
"""Status, and what is sent as JSON; a text is sent as it is."""

Answerer = Callable[[str, bytes], Answer]
"""Given `GET /path` and the body that came."""

Serve = Callable[[Answerer], int]
"""Starts a server; gives its port."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:
        yield lambda answerer: servers.enter_context(_serving(answerer))


@contextmanager
def _serving(answerer: Answerer) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, content = answerer(f"{self.command} {self.path}", body)
            payload = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_GET  # noqa: N815  # the names that http.server looks for

        def log_message(self, *_args: Any) -> None:
            """Not on the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def docker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program `docker` that is found first: what the test's file has as FAKE_DOCKER."""
    program = tmp_path / "docker"
    program.write_text(request.module.FAKE_DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program
