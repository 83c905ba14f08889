"""The receivers of docs/callbacks.md, its very code, hear real callbacks: each outcome once, however often it comes."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from stack.config import ROOT
from stack.ports import free_port
from tests.clients.commands import Node
from tests.clients.conftest import SECRET
from tests.end_to_end.client import PATIENCE_SECONDS, Client, wait_for

BLOCKS = re.compile(r"^(\w+), `.*?:?\n\n```(?:python|js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = dict(BLOCKS.findall((ROOT / "docs" / "callbacks.md").read_text()))

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "sum", "num_1": 1, "num_2": 2.5, "operation": "+", "result_rounding": 1}


@pytest.fixture
def fastapi_command(tmp_path: Path) -> Callable[[int], list[str]]:
    (tmp_path / "app.py").write_text(CODE["FastAPI"])
    return lambda port: [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]


@pytest.fixture
def flask_command(tmp_path: Path, python_bin: Path) -> Callable[[int], list[str]]:
    (tmp_path / "app.py").write_text(CODE["Flask"])
    return lambda port: [f"{python_bin}/flask", "run", "--port", str(port)]


@pytest.fixture
def express_command(tmp_path: Path, node: Node) -> Callable[[int], list[str]]:
    (tmp_path / "app.mjs").write_text(CODE["Express"])
    node.provide_packages(tmp_path)
    return lambda _port: [node.program, "app.mjs"]


@pytest.fixture(params=["fastapi_command", "flask_command", "express_command"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Receiver"]:
    port = free_port()
    environment = {**os.environ, "CALLBACK_SIGNING_SECRET": SECRET, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    printed = tmp_path / "printed"
    with printed.open("w") as output:
        process = subprocess.Popen(  # noqa: S603  # the code of the documentation
            request.getfixturevalue(request.param)(port), cwd=tmp_path, env=environment, stdout=output
        )
    try:
        receiver = Receiver(f"http://127.0.0.1:{port}/callback", printed)
        wait_for(receiver.listens, "a receiver that listens")
        yield receiver
    finally:
        process.terminate()
        process.wait()


class Receiver:
    """A receiver that runs."""

    def __init__(self, url: str, printed: Path) -> None:
        self.url = url
        self._printed = printed

    def listens(self) -> bool:
        try:
            return bool(httpx.get(self.url, trust_env=False, timeout=PATIENCE_SECONDS).status_code)
        except httpx.ConnectError:
            return False

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        sent = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
        return httpx.post(self.url, content=body, headers=sent, trust_env=False, timeout=PATIENCE_SECONDS).status_code

    def outcomes(self) -> list[Any]:
        """What it has done its work with."""
        lines = [line for line in self._printed.read_text().splitlines() if line.startswith("{")]
        return [_read(line) for line in lines]


def _read(line: str) -> Any:
    """Read what was printed, by Python or by JavaScript."""
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return ast.literal_eval(line)


class Delivery:
    """A delivery attempt as it came."""

    def __init__(self, body: bytes, headers: dict[str, str], answered: int) -> None:
        self.body = body
        self.headers = headers
        self.answered = answered


class LossyWay(ThreadingHTTPServer):
    """A way to the receiver on which the answer to the first delivery is lost."""

    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver
        self.deliveries: list[Delivery] = []
        self.repeated = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/callback"


class _Handler(BaseHTTPRequestHandler):
    server: LossyWay

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {
            name: value for name, value in self.headers.items() if name.lower().startswith(("webhook-", "content-type"))
        }
        self.server.deliveries.append(Delivery(body, headers, self.server.receiver.post(body, headers)))
        if len(self.server.deliveries) == 1:
            self.close_connection = True
            return
        self.send_response(self.server.deliveries[-1].answered)
        self.end_headers()
        self.server.repeated.set()

    def log_message(self, *_arguments: Any) -> None:
        """Keep silent."""


@contextmanager
def lossy_way_to(receiver: Receiver) -> Iterator[LossyWay]:
    with LossyWay(receiver) as way:
        thread = Thread(target=way.serve_forever)
        thread.start()
        try:
            yield way
        finally:
            way.shutdown()
            thread.join()


def test_an_outcome_that_is_delivered_again_is_seen_once(client: Client, receiver: Receiver) -> None:
    with lossy_way_to(receiver) as way:
        task_id = client.submit(CALCULATION, [ITEM], way.url)
        assert way.repeated.wait(PATIENCE_SECONDS)

        assert {each.headers["webhook-id"] for each in way.deliveries} == {task_id}
        assert {each.answered for each in way.deliveries} == {204}
        assert len(way.deliveries) > 1
    wait_for(receiver.outcomes, "what the receiver has printed")
    assert receiver.outcomes() == [{"results": [{"sum": 3.5}], "errors": [], "task_id": task_id}]


def test_what_was_changed_on_the_way_or_comes_from_a_stranger_is_refused(client: Client, receiver: Receiver) -> None:
    with lossy_way_to(receiver) as way:
        client.submit(CALCULATION, [ITEM], way.url)
        assert way.repeated.wait(PATIENCE_SECONDS)
    wait_for(receiver.outcomes, "what the receiver has printed")
    seen = receiver.outcomes()
    delivery = way.deliveries[0]
    unsigned = {name: value for name, value in delivery.headers.items() if name != "webhook-signature"}

    assert receiver.post(delivery.body.replace(b"3.5", b"9.5"), delivery.headers) == 401
    assert receiver.post(delivery.body, {**delivery.headers, "webhook-id": "another"}) == 401
    assert receiver.post(delivery.body, unsigned) == 401
    for nonsense in ("nonsense", "v1,no base64", "v1,\u00fc", ""):
        assert receiver.post(delivery.body, {**delivery.headers, "webhook-signature": nonsense}) == 401
    assert receiver.post(b"\xff", delivery.headers) == 401
    assert receiver.outcomes() == seen


def test_the_document_has_a_receiver_for_each_framework() -> None:
    assert list(CODE) == ["FastAPI", "Flask", "Express"]
