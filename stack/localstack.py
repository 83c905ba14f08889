"""The real LocalStack from its Python package, for a machine without containers."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.config import ROOT
from stack.errors import StackError

INIT = ROOT / "localstack-init"
COMMAND = ["-m", "localstack.runtime.main"]


def localstack_python() -> Path:
    """LocalStack's interpreter: `LOCALSTACK_PYTHON`, or that of the virtual environment beside this one."""
    named = os.environ.get("LOCALSTACK_PYTHON")
    return Path(named) if named else Path(f"{sys.prefix}-localstack") / "bin" / "python"


def install_localstack() -> None:
    """Make LocalStack's virtual environment where it is missing or its lock has changed. Prints what it does.

    It is one of its own, as LocalStack pins boto3 exactly, against the services' pin.
    Raises `StackError` where that fails.
    """
    if os.environ.get("LOCALSTACK_PYTHON"):
        return
    venv = localstack_python().parent.parent
    setup = [str(ROOT / "stack" / "setup.sh"), str(venv), str(ROOT / "requirements" / "localstack.txt"), "LocalStack"]
    if subprocess.run(setup, env={**os.environ, "PYTHON": sys.executable}, check=False).returncode:  # noqa: S603
        raise StackError(f"LocalStack could not be installed into {venv}: see the lines above.")


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
    """Put the ready hook, and the queues that it is to make, where LocalStack looks for them."""
    init = filesystem_root / "etc" / "localstack" / "init"
    shutil.copytree(INIT, init, dirs_exist_ok=True)
    (init / "queues.json").write_text(queues_json)


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
