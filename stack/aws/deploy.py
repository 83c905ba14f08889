"""Deploys a template by AWS's SAM CLI, to AWS or to a LocalStack, wherever the environment leads to.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html
"""

import re
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stack.aws.stack_events import Event, event_line
from stack.errors import StackError
from stack.interpreter import environment_beside, install_environment

ENVIRONMENT = "aws"

# It would ask for the progress once in half a second, and as often the longer it takes.
_POLL_SECONDS = 1

# It draws tables as wide as the terminal, and breaks what is wider than a column.
_COLUMNS = 400

_END_SECONDS = 10
"""In which it ends after Ctrl-C, which reaches it too."""

_EVENT = re.compile(r"(?P<status>[A-Z_]+) +(?P<kind>AWS::\S+) +(?P<resource>\w+) +\S")

_STEPS = {
    "Creating the required resources...": "Making the bucket for packages, once for an account and region.",
    "Waiting for changeset to be created": "CloudFormation computes what changes.",
    "No changes to deploy": "Nothing of the stack changes.",
}
"""What is said of the steps of the SAM CLI, by how its own lines begin."""

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Deployment:
    """What is deployed, and under which name."""

    template: Path
    stack: str
    parameters: Mapping[str, str]
    bucket: str | None = None
    """Where the package goes; None: to a bucket that the SAM CLI makes and keeps."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the stack, and of each of its resources that can have some."""
    is_dry_run: bool = False
    """Whether it ends with the change set."""


def install_sam() -> None:
    """Install the SAM CLI where it is missing. Raises `StackError` where that fails."""
    install_environment(ENVIRONMENT, "AWS's SAM CLI")


def deploy(deployment: Deployment, environment: Mapping[str, str], on_line: OnLine) -> None:
    """Deploy; return when all is there. Raises `StackError` with what the SAM CLI says where it fails."""
    bucket = ["--s3-bucket", deployment.bucket] if deployment.bucket else ["--resolve-s3"]
    overrides = [f"{name}={value}" for name, value in deployment.parameters.items()]
    tags = [f"{name}={value}" for name, value in deployment.tags.items()]
    command = [
        *sam_command("deploy"),
        *("--template-file", str(deployment.template), "--stack-name", deployment.stack, *bucket),
        # What is uploaded for a stack is found by it.
        *("--s3-prefix", deployment.stack),
        *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        *(["--no-execute-changeset"] if deployment.is_dry_run else []),
        *(["--tags", *tags] if tags else []),
        *(["--parameter-overrides", *overrides] if overrides else []),
    ]
    run_sam(command, environment, on_line, f"{deployment.stack} could not be deployed")


def progress_line(line: str) -> str | None:
    """Return what is said of a line of the SAM CLI's to who waits, None where nothing is. Pure."""
    if event := _EVENT.match(line):
        return event_line(Event("", event["status"], event["kind"], event["resource"]))
    return next((said for beginning, said in _STEPS.items() if line.strip().startswith(beginning)), None)


def sam_command(subcommand: str) -> list[str]:
    """Return how a command of the SAM CLI begins."""
    return [str(environment_beside(ENVIRONMENT) / "bin" / "sam"), subcommand]


def run_sam(command: list[str], environment: Mapping[str, str], on_line: OnLine, failure: str) -> None:
    """Run a command of the SAM CLI, and hand over each line that it prints as it comes.

    Raises `StackError`, with the last lines, where it fails.
    """
    own = {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": str(_POLL_SECONDS), "COLUMNS": str(_COLUMNS)}
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603
        command, env={**environment, **own}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                on_line(lines[-1])
        except KeyboardInterrupt:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
            raise
    if process.returncode:
        reason = next(
            (line for line in reversed(lines) if line.startswith("Error: ")), f"exit code {process.returncode}"
        )
        raise StackError(f"{failure}: {reason.removeprefix('Error: ')}", "\n".join(lines))
