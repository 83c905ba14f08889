"""Every command says how it is used, by an example, serves programs too, and starts at once."""

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from services.dlq.__main__ import app as dlq_app
from stack.__main__ import app
from stack.config import ROOT

# It passes on what it is given, --json and --help included.
PASSES_ON = "dlq"

COMMANDS = [
    (each, command.name or command.callback.__name__)
    for each in (app, dlq_app)
    for command in each.registered_commands
    if command.callback is not None
]


def help_of(application: typer.Typer, name: str) -> str:
    done = CliRunner().invoke(application, [name, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize(("application", "name"), [each for each in COMMANDS if each[1] != PASSES_ON])
def test_its_help_has_an_example_and_it_prints_json(application: typer.Typer, name: str) -> None:
    text = help_of(application, name)

    program = "python -m stack" if application is app else "python -m services.dlq"
    assert f"Example: {program} {name}" in text
    assert "--json" in text


def test_a_command_loads_no_client_of_aws() -> None:
    # Its libraries take half a second to load.
    code = "import stack.__main__, sys; print(*{'aioboto3', 'aiohttp', 'boto3', 'botocore'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == []


@pytest.mark.parametrize("program", ["stack", "services.dlq"])
def test_in_a_narrow_terminal_no_option_is_cut_off(program: str) -> None:
    command = {"stack": "submit", "services.dlq": "redrive"}[program]
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", program, command, "--help"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "40", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )

    options = {"stack": {"--callback-url", "--task-type"}, "services.dlq": {"--older-than", "--task-type"}}
    assert options[program] <= set(done.stdout.split())
