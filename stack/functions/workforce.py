"""The functions that take tasks and work them, in a LocalStack that has what it takes to run them."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from services.task_types.loading import TaskTypes
from stack.aws.deploy import Deployment, deploy, install_sam
from stack.aws.functions_template import render_functions
from stack.aws.package import build, contents_of, install_libraries, this_version
from stack.aws.queue_resources import PREFIX_PARAMETER
from stack.aws.secrets import store_secrets
from stack.aws.user_settings import ensure_task_types_work, secret_settings
from stack.config import ROOT, StackSettings
from stack.environment import service_environment
from stack.errors import writing
from stack.functions.lambda_api import ERRORS, POLLERS_PATH, client, functions, switch_triggers
from stack.interpreter import PYTHON, environment_python, install_environment
from stack.native.broker_processes import LocalStackProcess
from stack.native.localstack import COMMAND, ENVIRONMENT_OF_ALL, localstack_environment
from stack.native.program import Program
from stack.native.programs import console_program, receiver_program
from stack.native.stack import NativeStack
from stack.native.supervisor import log_file
from stack.status import API, CONSOLE, LOCALSTACK, ServiceStatus
from stack.task_types import aws_services_of, task_packages_of, task_types_of
from stack.terminal import OnProgress, say_aside
from stack.whole_file import write_whole

STACK = "async-tasks"
"""The name of its CloudFormation stack, and how the names of its functions begin."""

RUNTIME = "lambda-runtime"
BUCKET = "packages"

SERVICES = ("sqs", "lambda", "cloudformation", "s3", "iam", "sts", "logs", "cloudwatch", "ssm", "secretsmanager")
"""Those of AWS that the template has resources of, and what LocalStack needs to deploy it. Task types call others."""

PLUGIN = ROOT / "aws" / "localstack"

# A batch of the longest attempts takes a function's timeout, which is the most that one has.
_DRAIN_SECONDS = 900
_SWITCH_ON_SECONDS = 60


class Functions:
    """The services as functions."""

    def broker(self, _settings: StackSettings) -> LocalStackProcess:
        """Return LocalStack with all services."""
        return LocalStackProcess(ENVIRONMENT_OF_ALL)

    def install(self, _settings: StackSettings) -> None:
        """Install LocalStack with functions, AWS's own runtime of them, its SAM CLI, and the functions' libraries."""
        install_environment(ENVIRONMENT_OF_ALL, "LocalStack with functions")
        install_environment(RUNTIME, "AWS's runtime of functions")
        install_sam()
        install_libraries(say_aside)

    def queues_at_start(self, _queues_json: str) -> str:
        """Return none: CloudFormation makes them."""
        return json.dumps({"queues": []})

    def programs(self, settings: StackSettings, _queues_json: str, _health_ports: Iterator[int]) -> Sequence[Program]:
        """Return LocalStack, the receiver, the API's front door and the console."""
        return [_localstack(settings), receiver_program(settings), _front_door(settings), console_program(settings, [])]

    def prepare(self, settings: StackSettings, environment: Mapping[str, str], on_progress: OnProgress) -> None:
        """Build the package, and write the template."""
        task_types = task_types_of(environment)
        ensure_task_types_work(task_types, environment, _secrets(task_types, environment))
        package = build(_directory(settings), contents_of(task_packages_of(environment), task_types), on_progress)
        write_whole(_template(settings), render_functions(task_types, environment, str(package)))

    def make_room(self, settings: StackSettings) -> None:
        """Remove the code that LocalStack has unzipped, and let it have its folder."""
        with writing(_temporary(settings)):
            shutil.rmtree(_temporary(settings), ignore_errors=True)
            _temporary(settings).mkdir(parents=True)

    def begin(self, settings: StackSettings, on_progress: OnProgress) -> None:
        """Deploy the template, as it would be to AWS."""
        on_progress("Deploying the functions into LocalStack.")
        client("s3", settings).create_bucket(Bucket=BUCKET)
        environment = service_environment(settings)
        parameters = {
            "PythonRuntime": f"python{this_version()}",
            PREFIX_PARAMETER: environment.get("QUEUE_NAME_PREFIX", ""),
            **store_secrets(
                client("secretsmanager", settings), STACK, _secrets(task_types_of(environment), environment)
            ),
        }
        deployment = Deployment(
            _template(settings), STACK, {name: each for name, each in parameters.items() if each}, BUCKET
        )
        # Nothing of it leaves this machine.
        direct = {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
        deploy(deployment, {**direct, "AWS_ENDPOINT_URL": settings.localstack_url}, _ignored)
        switch_triggers(settings, on=True, timeout_seconds=_SWITCH_ON_SECONDS)

    def end(
        self,
        settings: StackSettings,
        stop: Callable[[Iterable[str]], None],
        _names: Iterable[str],
        on_progress: OnProgress,
    ) -> None:
        """Stop the way to the API and the console, and let the functions finish what they have in flight."""
        on_progress("Stopping the API and the console.")
        stop([API, CONSOLE])
        on_progress("Switching the functions off: they finish what they have in flight.")
        try:
            switch_triggers(settings, on=False, timeout_seconds=_DRAIN_SECONDS)
        except ERRORS as error:
            on_progress(f"LocalStack could not be told to: {error}.")

    def statuses(self, settings: StackSettings) -> Sequence[ServiceStatus]:
        """Return the functions, none where LocalStack does not say."""
        try:
            found = functions(settings, f"{STACK}-")
        except ERRORS:
            return []
        return [_status(name, state) for name, state in found.items() if name != API]

    def logs(self, settings: StackSettings) -> Mapping[str, Path]:
        """Return the log of each function, that of the API in the place of its front door's, which logs nothing."""
        prefix = f"{STACK}-"
        folder = _logs(settings)
        return {
            path.name.removeprefix(prefix).removesuffix(".log"): path for path in sorted(folder.glob(f"{prefix}*.log"))
        }


FUNCTIONS = NativeStack(Functions())


def _status(name: str, state: str) -> ServiceStatus:
    is_active = state == "Active"
    return ServiceStatus(name, "running" if is_active else state.lower(), "healthy" if is_active else "unhealthy")


def _localstack(settings: StackSettings) -> Program:
    directory = settings.directory / "localstack"
    others = aws_services_of(task_types_of(settings.environment))
    return Program(
        name=LOCALSTACK,
        command=[str(environment_python(ENVIRONMENT_OF_ALL)), *COMMAND],
        health_url=f"{settings.localstack_url}/_localstack/health",
        environment={
            **localstack_environment(settings.localstack_port, directory),
            "SERVICES": ",".join(dict.fromkeys([*SERVICES, *others])),
            "PYTHONPATH": str(PLUGIN),
            "LAMBDA_RUNTIME_EXECUTOR": "process",
            "FUNCTION_PYTHON": str(environment_python(RUNTIME)),
            "FUNCTION_LOGS": str(_logs(settings)),
            "FUNCTION_POLLERS_PATH": POLLERS_PATH,
            # It is for the process's own limit to end it (aws/localstack/function_runtime.py), which is a minute.
            "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "90",
            # Where it unzips the code of functions.
            "TMPDIR": str(_temporary(settings)),
            # Else a message waits for up to ten seconds.
            "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.05",
            "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.5",
        },
        # As natively: its messages are saved by then.
        stop_signal="KILL",
    )


def _front_door(settings: StackSettings) -> Program:
    return Program(
        name=API,
        command=[PYTHON, "-m", "stack.functions.front_door"],
        health_url=f"{settings.api_url}/readyz",
        environment={"API_PORT": str(settings.api_port), "FUNCTION_NAME": f"{STACK}-{API}"},
    )


def _secrets(task_types: TaskTypes, environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment.get(name, "") for name in secret_settings(task_types)}


def _ignored(_line: str) -> None:
    """Let the lines of the SAM CLI go: where it fails, the error has them."""


def _directory(settings: StackSettings) -> Path:
    return settings.directory / "aws"


def _template(settings: StackSettings) -> Path:
    return _directory(settings) / "functions.yaml"


def _temporary(settings: StackSettings) -> Path:
    return settings.directory / "localstack" / "tmp"


def _logs(settings: StackSettings) -> Path:
    return log_file(settings.directory, API).parent
