"""The real LocalStack from its Python package, for a machine without containers."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.config import ROOT
from stack.errors import StackError
from stack.interpreter import environment_beside, lasting
from stack.localstack.provisioning import output_of, place_init
from stack.native.service_catalog import hand_over_catalog, keep_catalog
from stack.terminal import say_aside

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
    setup = [str(ROOT / "stack" / "setup.sh"), "--lazy", str(_venv()), str(lock), "LocalStack"]
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
        # Its environment is compiled as it is loaded, whatever a shell has set for the code that is worked on.
        "PYTHONDONTWRITEBYTECODE": "",
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


def prepare_localstack(filesystem_root: Path, queues_json: str) -> None:
    """Put the hooks, their queues and what an earlier start has made where LocalStack looks for them.

    Raises `StackError` where that cannot be written.
    """
    place_init(filesystem_root / "etc" / "localstack" / "init", queues_json)
    hand_over_catalog(_venv(), filesystem_root)


def keep_for_next_start(filesystem_root: Path) -> None:
    """Keep what a LocalStack that is ready has made, and others would make as well."""
    keep_catalog(filesystem_root, _venv())


def _venv() -> Path:
    return environment_beside("localstack")


def require_startable(environment: Mapping[str, str]) -> None:
    """Raise `StackError` with the services' own line where they could not start with these settings."""
    output_of("services.check", environment, "The stack runs on as it was")
