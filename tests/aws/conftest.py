"""LocalStacks that have what the one of all other tests has not: CloudFormation, and functions; and a receiver."""

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stack.config import ROOT, StackSettings
from stack.functions.workforce import Functions
from stack.interpreter import environment_beside, environment_python
from stack.native.localstack import ENVIRONMENT_OF_ALL, prepare_localstack
from stack.ports import free_port
from stack.readiness import READY_SECONDS, localstack_probe, wait_for_verdict
from tests.aws.shell import CREDENTIALS
from tests.integration.conftest import running_localstack

_SERVICES = "sqs,cloudformation,cloudwatch,secretsmanager,ssm,sts"


@pytest.fixture(scope="module")
def localstack_with_functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL."""
    if not environment_python(ENVIRONMENT_OF_ALL).exists():
        pytest.fail(f"{ENVIRONMENT_OF_ALL} is not installed: run `make test-lambda`", pytrace=False)
    directory = tmp_path_factory.mktemp("localstack")
    settings = StackSettings("lambda", localstack_port=free_port(), directory=directory)
    [program, *_] = Functions().programs(settings, "", iter(()))
    Path(program.environment["TMPDIR"]).mkdir(parents=True)
    prepare_localstack(directory / "localstack", json.dumps({"queues": []}), ENVIRONMENT_OF_ALL)
    environment = {**os.environ, **CREDENTIALS, **program.environment}
    with (directory / "localstack.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603
            program.command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            readiness = wait_for_verdict(localstack_probe(settings.localstack_url), READY_SECONDS)
            assert readiness.verdict == "ready", readiness.reason
            yield settings.localstack_url
        finally:
            # The functions that it runs end with it.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Receiver:
    """Takes every callback."""

    def __init__(self) -> None:
        self.heard: queue.Queue[Any] = queue.Queue()
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
                heard.put(json.loads(body))

            def log_message(self, *_args: Any) -> None:
                """Not on the test's output."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.01,))
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.fixture(scope="session")
def cloudformation_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one, in which LocalStack's hook has made the queues of the project's task types too."""
    directory = tmp_path_factory.mktemp("localstack-cloudformation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALSTACK_PYTHON", str(environment_beside("localstack-functions") / "bin" / "python"))
        with running_localstack(directory, settings={"SERVICES": _SERVICES}) as (url, readiness):
            assert readiness.verdict == "ready", readiness.reason
            yield url
