"""The shell of a person who deploys, by `make deploy` and `make undeploy` as they are run."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
import httpx
from typer.testing import CliRunner

from stack.__main__ import app
from stack.config import ROOT

COMMAND = (sys.executable, "-u", "-m", "stack")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}
API_KEY = "key-of-a-client-1234"
COMMAND_SECONDS = 200.0
"""On a machine that is busy with other tests; else it takes a tenth."""

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Shell:
    """What a person has set, and runs."""

    environment: Mapping[str, str] = field(repr=False)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def run(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run the command with these settings besides; one that is empty is taken away."""
        given = {name: value for name, value in {**self.environment, **settings}.items() if value}
        return subprocess.run(  # noqa: S603  # our own program
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def run_here(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Run the command, with settings as above, in this process, which takes no time to start."""
        given = {name: value or None for name, value in {**self.environment, **settings}.items()}
        done = CliRunner().invoke(app, arguments, env=given)
        return done.exit_code, done.output

    def reach(self, url: str, method: str = "GET", **request: Any) -> httpx.Response:
        """Send a request to a function by its URL, whose host only LocalStack knows."""
        asked = urlsplit(url)
        endpoint = urlsplit(self.environment["AWS_ENDPOINT_URL"])
        here = asked._replace(scheme="http", netloc=endpoint.netloc).geturl()
        headers = {"host": asked.netloc, **request.pop("headers", {})}
        return httpx.request(method, here, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False, **request)

    def variables(self, function: str) -> dict[str, str]:
        """What a function is given."""
        found = self.client("lambda").get_function_configuration(FunctionName=function)
        return dict(found["Environment"]["Variables"])


def shell_that_leads_to(endpoint: str, directory: Path, **settings: str) -> Shell:
    """A shell whose AWS is this one, and in which the settings of a deployment are set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    no_file = str(directory / "none")
    return Shell(
        {
            **kept,
            **CREDENTIALS,
            # Whoever runs the tests may have an account, and this machine may be one of AWS's.
            "AWS_CONFIG_FILE": no_file,
            "AWS_SHARED_CREDENTIALS_FILE": no_file,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "STACK_DIR": str(directory / "stack"),
            "TASK_PACKAGES": "services.tasks",
            "API_KEYS": API_KEY,
            **settings,
        }
    )
