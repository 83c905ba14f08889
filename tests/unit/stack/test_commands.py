"""Every command says how it is used, by an example, serves programs too, and starts at once."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.dlq.__main__ import app as dlq_app
from stack.__main__ import app
from stack.config import ROOT

# What talks to AWS, or serves.
CLIENTS = {"aioboto3", "aiohttp", "boto3", "botocore", "fastapi", "opentelemetry", "structlog"}

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


def ended(code: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the code; the last line of its standard error names the modules that are loaded when it has ended."""
    last = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
    return subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", f"{last} {code}", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def loaded_by(done: "subprocess.CompletedProcess[str]") -> set[str]:
    return set(done.stderr.splitlines()[-1].split())


def rooms_of_services(modules: Iterable[str]) -> set[str]:
    return {module.split(".")[1] for module in modules if module.startswith("services.")}


# Runs each of the commands that are its arguments, one after the other: what one has loaded, none of them unloads.
SAY_HOW_EACH_IS_USED = """
import contextlib, runpy

for sys.argv in [["stack", name, "--help"] for name in sys.argv[1:]]:
    with contextlib.suppress(SystemExit):
        runpy.run_module("stack", run_name="__main__", alter_sys=True)
    print("said", sys.argv[1])
"""


def test_commands_that_do_nothing_yet_have_loaded_neither_services_nor_modes(tmp_path: Path) -> None:
    names = [name for each, name in COMMANDS if each is app and name != PASSES_ON]
    done = ended(SAY_HOW_EACH_IS_USED, *names, STACK_DIR=str(tmp_path), MODE="native", COMPOSE_PROJECT_NAME="")

    assert [line for line in done.stdout.splitlines() if line.startswith("said ")] == [f"said {name}" for name in names]
    assert_light(loaded_by(done))


def test_a_command_that_passes_on_what_it_is_given_has_loaded_neither_services_nor_modes(tmp_path: Path) -> None:
    run = "import runpy; runpy.run_module('stack', run_name='__main__', alter_sys=True)"

    assert_light(loaded_by(ended(run, PASSES_ON, STACK_DIR=str(tmp_path), MODE="native", COMPOSE_PROJECT_NAME="")))


def assert_light(loaded: set[str]) -> None:
    assert (
        loaded & {"stack.commands.generate", "stack.native.stack", "stack.containers.stack", "httpx", "supervisor"}
        == set()
    )
    assert rooms_of_services(loaded) <= {"primitives", "streams"}
    assert loaded & CLIENTS == set()


def test_what_stops_a_stack_or_looks_at_it_loads_no_task_type_and_no_settings_of_the_services() -> None:
    commands = "stack.commands.down, stack.commands.overview, stack.logs.command, stack.stories.trace"
    loaded = loaded_by(ended(f"import {commands}, stack.native.stack, stack.containers.stack"))

    assert "stack.containers.stack" in loaded
    assert loaded & {"services.settings", "services.queues", "services.task_types", "services.outbound"} == set()
    assert loaded & {*CLIENTS, "pydantic"} == set()


def test_to_start_a_stack_loads_no_client_of_aws() -> None:
    # Its libraries take half a second to load; a task that is sent has a trace, for which OpenTelemetry's API is light.
    loaded = loaded_by(ended("import stack.commands.up, stack.tryout.demo, stack.tryout.submit"))

    assert loaded & CLIENTS <= {"opentelemetry"}


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
