"""The stack's commands: `python -m stack up`, or shorter `make up`."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from services.streams.standard_streams import end_unread, run_command, until_ctrl_c
from services.streams.whole_table import WholeTable, help_markup
from stack import observability, state
from stack.config import (
    DEFAULT_DIRECTORY,
    PROJECT_NAME,
    ROOT,
    Mode,
    StackSettings,
    forced_mode,
    stack_directory,
    stack_settings,
)
from stack.containers import stack as containers
from stack.environment import host_environment, merged_environment
from stack.errors import StackError
from stack.generate import generate as write_files
from stack.generate import stale_files
from stack.lock import alone
from stack.logs.command import LAST_LINES, show_logs
from stack.logs.line import RawLine
from stack.logs.tail import show_steps, steps_in
from stack.mode import choose_mode, engine_answers
from stack.native import stack as native
from stack.once_begun import finished_once_begun, outliving_terminal
from stack.overview import look, overview_text
from stack.running import mode_before, running_settings, settings_to_start
from stack.status import ServiceStatus
from stack.stories.trace import find_true_story, show_story
from stack.terminal import OnProgress, console, refreshed, say, say_aside, show_error, show_json, show_table
from stack.tryout import demo_view
from stack.tryout.demo import curl
from stack.tryout.demo import demo as run_demo
from stack.tryout.submit import read_request
from stack.tryout.submit import submit as submit_request

app = typer.Typer(
    help="Start, stop, look at and try the stack on this machine. "
    "Settings come from the environment, .env and stack/local.env; see .env.example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=help_markup(),
)

MODES: dict[Mode, ModuleType] = {"native": native, "containers": containers}
MODE_TEXTS: dict[Mode, str] = {"native": "natively", "containers": "in containers"}

WATCH_SECONDS = 2.0

ForceOption = Annotated[bool, typer.Option("--force", help="Even where messages are lost by it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command(epilog="Example: python -m stack up")
def up(*, as_json: JsonOption = False) -> None:
    """Start the stack, in containers where a Docker engine answers, else natively; return when all is ready.

    MODE=native or MODE=containers forces one.
    """
    with _errors_shown():
        settings = _bring_up(say_aside if as_json else say)
        if as_json:
            show_json({"mode": settings.mode, "urls": _addresses(settings)})
        else:
            _show_ready(settings)


@app.command(epilog="Example: python -m stack down")
def down(*, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Stop the stack. What is still in the queues is saved, and the next start brings it back.

    Where it cannot be saved LocalStack is not stopped, unless --force says so.
    """
    on_progress = say_aside if as_json else say
    with (
        _errors_shown(),
        alone("make down", stack_directory(merged_environment()), on_progress),
        finished_once_begun(on_progress),
    ):
        settings = running_settings(merged_environment())
        stopping = [service.name for service in _services(settings)] if settings and as_json else []
        if settings:
            _stop(settings, on_progress, force=force)
        if as_json:
            show_json({"stopped": stopping})
        else:
            say("Everything is stopped." if settings else "Nothing of the stack runs.")


@app.command(epilog="Example: python -m stack clean")
def clean(*, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Stop the stack and remove what it has on the container engine: containers, the receiver's data, the image.

    With another STACK_DIR, that of .stack as well. What is still in the queues is saved; where it cannot be nothing is
    removed, unless --force says so; nor where a stack that plain Compose took down has left something queued.
    """
    on_progress = say_aside if as_json else say
    environment = merged_environment() | {"MODE": ""}
    # That of the clone itself too, whose files `make clean` removes.
    default = environment | {"STACK_DIR": "", PROJECT_NAME: ""}
    is_default = stack_directory(environment) == DEFAULT_DIRECTORY
    with _errors_shown():
        projects = [
            _clean(each, on_progress, force=force) for each in [environment, *([] if is_default else [default])]
        ]
        if as_json:
            show_json({"removed": list(filter(None, projects))})


@app.command(epilog="Example: python -m stack ps --watch")
def ps(
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C, refreshed in place.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the services, what waits in the queues, and what the workers do now."""
    with _errors_shown():
        end_unread()
        settings = _running_settings()
        if watch and as_json:
            raise StackError("--watch is for people: leave it out, or --json.")
        if watch:
            until_ctrl_c(lambda: _watch(settings))
            return
        overview = look(settings, _services(settings))
        if as_json:
            show_json(overview.as_json())
        elif not overview.services:
            say("Nothing of the stack runs: `make up` starts it.")
        else:
            show_table(overview_text(overview))


@app.command(epilog="Example: python -m stack logs --service api --follow")
def logs(
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the end of the services' logs, in the order of time.

    That LocalStack has answered a request is shown with --service localstack only.
    """

    def show() -> None:
        batches = _log_lines(_running_settings(), service or None, last=LAST_LINES, follow=follow)
        show_logs(batches, without_requests=not service, as_json=as_json)

    with _errors_shown():
        if follow:
            until_ctrl_c(show)
        else:
            end_unread()
            show()


@app.command(epilog="Example: python -m stack trace 6bc37fc0")
def trace(
    task: Annotated[str, typer.Argument(metavar="ID", help="A task's id, or how it begins.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Tell one task's story, from the logs of all services: attempts, retries and why, deliveries, how it stands."""
    with _errors_shown():
        end_unread()
        settings = _running_settings()
        read_logs = partial(_log_lines, settings, None, last=None, follow=False)
        show_story(find_true_story(task.strip(), read_logs, settings), as_json=as_json)


@app.command(epilog="Example: python -m stack tail --failures")
def tail(
    task: Annotated[str, typer.Option(metavar="ID", help="Only of this task; how its id begins will do.")] = "",
    *,
    failures: Annotated[bool, typer.Option("--failures", help="Only what fails, for now or for good.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Follow what happens to tasks, across all services, until Ctrl-C."""

    def show() -> None:
        batches = _log_lines(_running_settings(), None, last=0, follow=True)
        show_steps(steps_in(batches, beginning=task.strip(), failures_only=failures), as_json=as_json)

    with _errors_shown():
        until_ctrl_c(show)


@app.command(epilog="Example: python -m stack submit task.json --wait")
def submit(  # noqa: PLR0913  # a command has as many options as it has
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON: a request, or its items alone; - reads it.")],
    task_type: Annotated[str | None, typer.Option(help="Left out, the one that fits.")] = None,
    callback_url: Annotated[str | None, typer.Option(help="In place of the file's, or of the receiver's.")] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that --wait waits.")] = 60,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the callback, and show it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Post a task to the running stack. Without a callback_url its outcome goes to the receiver."""
    with _errors_shown():
        settings = _running_settings()
        request = read_request(file, settings, task_type, callback_url)
        if not submit_request(request, settings, timeout if wait else None, as_json=as_json):
            raise typer.Exit(1)


@app.command(epilog="Example: python -m stack demo")
def demo(*, as_json: JsonOption = False) -> None:
    """Submit a task of each kind and show what becomes of it; fail where it is not as expected.

    Where the stack is not up, it is started first.
    """
    with _errors_shown():
        settings = running_settings(merged_environment())
        if settings is None or not _services(settings):
            settings = _bring_up(say_aside if as_json else say)
        trials = run_demo(settings)
        done = list(trials) if as_json else demo_view.show_trials(settings, trials)
        if as_json:
            show_json([tried.as_json() for tried in done])
        if not all(tried.passed for tried in done):
            raise typer.Exit(1)


# What follows is the other program's to read, --help included.
@app.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    epilog="Example: python -m stack dlq list undelivered",
)
def dlq(arguments: Annotated[list[str] | None, typer.Argument(help="As for `python -m services.dlq`.")] = None) -> None:
    """Look at what has failed for good in the running stack, and redrive it: `dlq --help` tells how."""
    with _errors_shown():
        environment = host_environment(_running_settings())
        os.chdir(ROOT)
        # It takes over this process, its terminal and its signals.
        os.execve(sys.executable, [sys.executable, "-m", "services.dlq", *(arguments or [])], environment)  # noqa: S606


@app.command(epilog="Example: python -m stack generate --check")
def generate(
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where one is stale.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the files that follow from the code: the queues for LocalStack, and parts of docker-compose.yml."""
    with _errors_shown():
        stale = list(stale_files()) if check else write_files()
        if as_json:
            show_json({"stale" if check else "written": [str(path.relative_to(ROOT)) for path in stale]})
        if check and stale:
            raise StackError(f"Not in sync with the code: {_names(stale)}. Run `make generate`.")
        if not as_json:
            say("All generated files are in sync." if not stale else f"Written: {_names(stale)}.")


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(str(path.relative_to(ROOT)) for path in paths)


def _bring_up(on_progress: OnProgress) -> StackSettings:
    """Start what does not run of the stack; return when all is ready, with the settings that it runs with."""
    with alone("make up", stack_directory(merged_environment()), on_progress), outliving_terminal():
        environment = merged_environment()
        before = running_settings(environment)
        last = mode_before(before, environment)
        mode = choose_mode(forced_mode(environment), last, engine_answers)
        replaced = _replaced(before, mode)
        settings, line = settings_to_start(environment, mode)
        if written := write_files():
            on_progress(f"The code has changed what follows from it: {_names(written)} written.")
        as_saved = ", as what is saved was queued" if last == mode and before is None else ""
        on_progress(f"Starting the stack {MODE_TEXTS[settings.mode]}{as_saved}.")
        if line:
            on_progress(line)
        MODES[settings.mode].up(settings, replaced, on_progress)
        return settings


def _replaced(before: StackSettings | None, mode: Mode) -> StackSettings | None:
    """The stack as it runs in this mode. Raises `StackError` where it runs in the other one."""
    if before is None or before.mode == mode:
        return before
    # Where no engine answers any more, none of its containers runs.
    if (before.mode == "native" or engine_answers()) and _services(before):
        raise StackError(f"The stack runs {MODE_TEXTS[before.mode]}: stop it first with `make down`.")
    return None


def _running_settings() -> StackSettings:
    """The settings with which the stack was started."""
    settings = running_settings(merged_environment())
    if settings is None:
        raise StackError("The stack is not up: `make up` starts it.")
    return settings


def _stop(settings: StackSettings, on_progress: OnProgress, *, force: bool) -> None:
    MODES[settings.mode].down(settings, on_progress, force=force)
    state.remember_stopped(settings)


def _clean(environment: Mapping[str, str], on_progress: OnProgress, *, force: bool) -> str:
    """Stop and remove one stack; return its Compose project, empty where it has none."""
    directory = stack_directory(environment)
    with alone("make clean", directory, on_progress):
        if settings := running_settings(environment):
            _stop(settings, on_progress, force=force)
        project = state.recall(directory).project
        if project and (engine_answers() or not force):
            containers.clean(stack_settings({**environment, PROJECT_NAME: project}, "containers"), force=force)
        return project


def _services(settings: StackSettings) -> list[ServiceStatus]:
    statuses: list[ServiceStatus] = MODES[settings.mode].ps(settings)
    return statuses


def _log_lines(
    settings: StackSettings, service: str | None, *, last: int | None, follow: bool
) -> Iterator[list[RawLine]]:
    batches: Iterator[list[RawLine]] = MODES[settings.mode].log_lines(settings, service, last=last, follow=follow)
    return batches


def _watch(settings: StackSettings) -> None:
    with refreshed() as refresh:
        while True:
            refresh(overview_text(look(settings, _services(settings))))
            time.sleep(WATCH_SECONDS)


def _addresses(settings: StackSettings) -> dict[str, str]:
    return {
        "api": settings.api_url,
        "receiver": settings.receiver_url,
        "console": settings.console_url,
        "localstack": settings.localstack_url,
    }


def _show_ready(settings: StackSettings) -> None:
    table = WholeTable("what", "where", has_header=False)
    table.add_row("API, with documentation", f"{settings.api_url}/docs")
    table.add_row("receiver: callbacks and alerts", settings.receiver_url)
    table.add_row("console: queues, services, what failed", settings.console_url)
    table.add_row("LocalStack", settings.localstack_url)
    if observability.is_wanted(settings.environment):
        table.add_row("Grafana", f"http://localhost:{settings.grafana_port}")
        table.add_row("Prometheus", f"http://localhost:{settings.prometheus_port}")
        table.add_row("Jaeger: traces", f"http://localhost:{settings.jaeger_port}")
    console.print("\n[bold green]The stack is ready.[/bold green]")
    show_table(table)
    say(f"\nTry it:\n{curl(settings)}\n\nThen: make demo · make tail · make ps · make logs · make down")


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Turn a `StackError` into its line and exit code 1."""
    try:
        yield
    except StackError as error:
        show_error(error)
        raise typer.Exit(1) from None
    except OSError as error:
        # Of a file that cannot be read, or of the system itself: too many open files, no process any more.
        show_error(StackError(f"It cannot go on: {error}."))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    run_command(app)
