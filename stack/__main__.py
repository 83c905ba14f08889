"""The stack's commands: `python -m stack up`, or shorter `make up`."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.table import Table

from stack import containers, native, observability, state
from stack.config import ROOT, Mode, StackSettings, forced_mode, stack_directory, stack_settings
from stack.console import console, say, show_error
from stack.demo import curl
from stack.demo import demo as run_demo
from stack.environment import host_environment, merged_environment
from stack.errors import StackError
from stack.generate import generate as write_files
from stack.generate import stale_files
from stack.mode import choose_mode, engine_answers
from stack.status import ServiceStatus

app = typer.Typer(
    help="Start, stop, look at and try the stack on this machine. "
    "Settings come from the environment, .env and stack/local.env; see .env.example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

MODES: dict[Mode, ModuleType] = {"native": native, "containers": containers}
MODE_TEXTS: dict[Mode, str] = {"native": "natively", "containers": "in containers"}


@app.command()
def up() -> None:
    """Start the stack, in containers where a Docker engine answers, else natively; return when all is ready.

    MODE=native or MODE=containers forces one.
    """
    with _errors_shown():
        settings = _settings_to_start()
        if written := write_files():
            say(f"The code has changed what follows from it: {_names(written)} written.")
        say(f"Starting the stack {MODE_TEXTS[settings.mode]}.")
        state.remember_mode(settings)
        MODES[settings.mode].up(settings, say)
        _show_ready(settings)


@app.command()
def down() -> None:
    """Stop the stack. What is still in the queues is saved, and the next start brings it back."""
    with _errors_shown():
        settings = _running_settings()
        MODES[settings.mode].down(settings)
        state.forget_mode(settings.directory)
        say("Everything is stopped.")


@app.command()
def ps(*, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Show the services: state, health, process and uptime."""
    with _errors_shown():
        statuses = _services(_running_settings())
        if as_json:
            sys.stdout.write(json.dumps([status.as_json() for status in statuses], indent=2) + "\n")
        elif not statuses:
            say("Nothing of the stack runs: `make up` starts it.")
        else:
            console.print(_service_table(statuses))


@app.command()
def logs(
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show the end of the services' logs."""
    with _errors_shown():
        settings = _running_settings()
        MODES[settings.mode].logs(settings, service or None, follow=follow)


@app.command()
def demo() -> None:
    """Submit a task of each type to the running stack and show the callbacks; fails where one is not as expected."""
    with _errors_shown():
        if not run_demo(_running_settings()):
            raise typer.Exit(1)


# What follows is the other program's to read, --help included.
@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def dlq(arguments: Annotated[list[str] | None, typer.Argument(help="As for `python -m services.dlq`.")] = None) -> None:
    """Look at what has failed for good in the running stack, and redrive it: `dlq --help` tells how."""
    with _errors_shown():
        environment = host_environment(_running_settings())
        os.chdir(ROOT)
        # It takes over this process, its terminal and its signals.
        os.execve(sys.executable, [sys.executable, "-m", "services.dlq", *(arguments or [])], environment)  # noqa: S606


@app.command()
def generate(
    *, check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where one is stale.")] = False
) -> None:
    """Write the files that follow from the code: the queues for LocalStack, and parts of docker-compose.yml."""
    with _errors_shown():
        stale = stale_files() if check else write_files()
        if check and stale:
            raise StackError(f"Not in sync with the code: {_names(stale)}. Run `make generate`.")
        say("All generated files are in sync." if not stale else f"Written: {_names(stale)}.")


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(str(path.relative_to(ROOT)) for path in paths)


def _settings_to_start() -> StackSettings:
    """The settings in the mode to start. Raises `StackError` where the stack runs in the other one."""
    environment = merged_environment()
    running = state.remembered_mode(stack_directory(environment))
    mode = choose_mode(forced_mode(environment), running, engine_answers)
    if running not in {None, mode} and _services(stack_settings(environment, running)):
        raise StackError(f"The stack runs {MODE_TEXTS[running]}: stop it first with `make down`.")
    return stack_settings(environment, mode)


def _running_settings() -> StackSettings:
    """The settings in the mode in which the stack was started."""
    environment = merged_environment()
    mode = state.remembered_mode(stack_directory(environment))
    if mode is None:
        raise StackError("The stack is not up: `make up` starts it.")
    return stack_settings(environment, mode)


def _services(settings: StackSettings) -> list[ServiceStatus]:
    statuses: list[ServiceStatus] = MODES[settings.mode].ps(settings)
    return statuses


def _show_ready(settings: StackSettings) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_row("API, with documentation", f"{settings.api_url}/docs")
    table.add_row("receiver: callbacks and alerts", settings.receiver_url)
    table.add_row("LocalStack", settings.localstack_url)
    if observability.is_wanted(settings.environment):
        table.add_row("Grafana", f"http://localhost:{settings.grafana_port}")
        table.add_row("Prometheus", f"http://localhost:{settings.prometheus_port}")
        table.add_row("Jaeger: traces", f"http://localhost:{settings.jaeger_port}")
    console.print("\n[bold green]The stack is ready.[/bold green]")
    console.print(table)
    say(f"\nTry it:\n{curl(settings)}\n\nThen: make demo · make ps · make logs · make down")


def _service_table(statuses: list[ServiceStatus]) -> Table:
    table = Table("service", "state", "health", "pid", "uptime")
    for status in statuses:
        uptime = "" if status.uptime_seconds is None else str(timedelta(seconds=status.uptime_seconds))
        table.add_row(status.name, status.state, status.health, str(status.pid or ""), uptime)
    return table


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Turn a `StackError` into its line and exit code 1."""
    try:
        yield
    except StackError as error:
        show_error(error)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app()
