"""The real LocalStack from its Python package, for a machine without containers."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.broker.provisioning import output_of, place_init
from stack.config import StackSettings
from stack.errors import not_begun
from stack.interpreter import environment_beside, environment_python, install_environment, lasting
from stack.native.service_catalog import hand_over_catalog, keep_catalog
from stack.task_types import aws_services_of, task_types_of

COMMAND = ["-m", "localstack.runtime.main"]

ENVIRONMENT = "localstack"
"""The name of the virtual environment that has what serves SQS alone."""

ENVIRONMENT_OF_ALL = "localstack-functions"
"""The name of that which has what serves other services of AWS too, such as those that run functions."""


def environment_for(settings: StackSettings) -> str:
    """Return the name of the virtual environment that has what serves those services that the task types call."""
    return ENVIRONMENT_OF_ALL if aws_services_of(task_types_of(settings.environment)) else ENVIRONMENT


def localstack_python(name: str = ENVIRONMENT) -> Path:
    """LocalStack's interpreter: `LOCALSTACK_PYTHON`, or that of its virtual environment beside this one."""
    named = os.environ.get("LOCALSTACK_PYTHON")
    return lasting(Path(named)) if named else environment_python(name)


def install_localstack(name: str = ENVIRONMENT) -> None:
    """Make LocalStack's virtual environment where it is missing or its lock has changed. Prints what it does.

    It is one of its own, as LocalStack pins boto3 exactly, against the services' pin.
    Raises `StackError` where that fails.
    """
    if not os.environ.get("LOCALSTACK_PYTHON"):
        install_environment(name, "LocalStack")


def localstack_environment(port: int, filesystem_root: Path, others: Iterable[str] = ()) -> dict[str, str]:
    """The settings with which LocalStack serves SQS, on loopback, without a container and without a network.

    `others`: the services of AWS that it serves besides.
    """
    return {
        # Its environment is compiled as it is loaded, whatever a shell has set for the code that is worked on.
        "PYTHONDONTWRITEBYTECODE": "",
        "SERVICES": ",".join(["sqs", *others]),
        "EAGER_SERVICE_LOADING": "1",
        # As an IPv4 address the default server would ignore it and listen on every interface.
        "GATEWAY_LISTEN": f"[::ffff:127.0.0.1]:{port}",
        "FILESYSTEM_ROOT": str(filesystem_root),
        "XDG_CACHE_HOME": str(_cache(filesystem_root)),
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


def prepare_localstack(filesystem_root: Path, queues_json: str, environment: str = ENVIRONMENT) -> None:
    """Put the hooks, their queues and what an earlier start has made where LocalStack looks for them.

    `environment` is the name of its virtual environment. Raises `StackError` where that cannot be written.
    """
    # Its index of its own plugins is made in 10 ms, not whole at once, and is taken for whole once it is there: what
    # another one writes at that moment, in the user's own cache, or one that was killed has left, starts none.
    shutil.rmtree(_cache(filesystem_root), ignore_errors=True)
    place_init(filesystem_root / "etc" / "localstack" / "init", queues_json)
    hand_over_catalog(environment_beside(environment), filesystem_root)


def keep_for_next_start(filesystem_root: Path, environment: str = ENVIRONMENT) -> None:
    """Keep what a LocalStack that is ready has made, and others of its environment would make as well."""
    keep_catalog(filesystem_root, environment_beside(environment))


def _cache(filesystem_root: Path) -> Path:
    return filesystem_root / "cache"


def require_startable(environment: Mapping[str, str], *, is_running: bool) -> None:
    """Raise `StackError` with the services' own line where they could not start with these settings."""
    output_of("services.check", environment, not_begun(is_running=is_running))
