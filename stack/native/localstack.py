"""The real LocalStack from its Python package, for a machine without containers."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.config import ROOT
from stack.errors import StackError, writing
from stack.native.interpreter import lasting
from stack.terminal import say_aside
from stack.whole_file import write_whole

INIT = ROOT / "localstack-init"
COMMAND = ["-m", "localstack.runtime.main"]


def localstack_python() -> Path:
    """LocalStack's interpreter: `LOCALSTACK_PYTHON`, or that of the virtual environment beside this one."""
    named = os.environ.get("LOCALSTACK_PYTHON")
    return lasting(Path(named) if named else _venv() / "bin" / "python")


def install_localstack() -> None:
    """Make LocalStack's virtual environment where it is missing or its lock has changed. Prints what it does.

    It is one of its own, as LocalStack pins boto3 exactly, against the services' pin.
    Raises `StackError` where that fails.
    """
    if os.environ.get("LOCALSTACK_PYTHON"):
        return
    lock = ROOT / "requirements" / "localstack.txt"
    setup = [str(ROOT / "stack" / "setup.sh"), str(_venv()), str(lock), "LocalStack"]
    if _shown(setup, {**os.environ, "PYTHON": sys.executable}):
        raise StackError(f"LocalStack could not be installed into {_venv()}: see the lines above.")


def _shown(command: list[str], environment: Mapping[str, str]) -> int:
    """Show what the command prints as it comes, and return its exit code: that nobody reads it must not end it."""
    with subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            say_aside(line.rstrip())
    return process.returncode


def localstack_environment(port: int, filesystem_root: Path) -> dict[str, str]:
    """The settings with which LocalStack serves SQS alone, on loopback, without a container and without a network."""
    return {
        "SERVICES": "sqs",
        "EAGER_SERVICE_LOADING": "1",
        # As an IPv4 address the default server would ignore it and listen on every interface.
        "GATEWAY_LISTEN": f"[::ffff:127.0.0.1]:{port}",
        "FILESYSTEM_ROOT": str(filesystem_root),
        # In some containers it believes that it is LocalStack's image, and looks for its hooks in /etc.
        "OVERRIDE_IN_DOCKER": "0",
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
        # Queue URLs carry the host by which the client came, so that they are reachable from wherever it is.
        "SQS_ENDPOINT_STRATEGY": "dynamic",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
    }


def place_hook(filesystem_root: Path, queues_json: str) -> None:
    """Put the hooks, and the queues that they are to make, where LocalStack looks for them."""
    place_init(filesystem_root / "etc" / "localstack" / "init", queues_json)


def place_init(directory: Path, queues_json: str) -> None:
    """Copy `localstack-init/` there, with these queues."""
    with writing(directory):
        _copy_init(directory)
    write_whole(directory / "queues.json", queues_json)


def _copy_init(target: Path) -> None:
    """Copy what LocalStack runs at its start, to be written to: in a checkout that is only to be read it cannot be."""
    for file in INIT.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(INIT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())


def _venv() -> Path:
    return Path(f"{sys.prefix}-localstack")


def render_queues(environment: Mapping[str, str]) -> str:
    """The queues of the configured task types, as the services' code computes them, as JSON text.

    Raises `StackError` with the services' own line where a setting cannot work.
    """
    command = [sys.executable, "-m", "services.queues"]
    return _output(command, environment, "The queues cannot be computed")


def require_startable(environment: Mapping[str, str]) -> None:
    """Raise `StackError` with the services' own line where they could not start with these settings."""
    _output([sys.executable, "-m", "services.check"], environment, "The stack runs on as it was")


def _output(command: list[str], environment: Mapping[str, str], failure: str) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        *evidence, line = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StackError(f"{failure}: {line}", "\n".join(evidence))
    return done.stdout
