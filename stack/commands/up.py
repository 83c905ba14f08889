"""The command `up`: starts the stack, and says where it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.streams.whole_table import WholeTable
from stack import observability, state
from stack.brokers import LOCALSTACK
from stack.commands.generate import generate, names
from stack.commands.lock import alone
from stack.commands.once_begun import outliving_terminal
from stack.config import Mode, StackSettings, stack_directory, wanted_mode
from stack.containers.engine import engine_answers
from stack.containers.projects import project_containers
from stack.environment import merged_environment
from stack.errors import StackError
from stack.mode import choose_mode, mode_of_running
from stack.native.orphans import find_listener
from stack.ports import PortTakenError
from stack.running import mode_before, running_settings, settings_to_start, with_broker
from stack.status import ServiceStatus
from stack.task_types import own_task_types_of
from stack.terminal import OnProgress, console, say, say_aside, show_json, show_table
from stack.tryout.demo import curl

MODE_TEXTS: dict[Mode, str] = {"native": "natively", "containers": "in containers", "lambda": "as functions"}


def up(*, as_json: bool) -> None:
    """Start the stack and say where it is. Raises as `bring_up` does."""
    settings = bring_up(say_aside if as_json else say)
    if as_json:
        show_json({"mode": settings.mode, "urls": _addresses(settings)})
    else:
        _show_ready(settings)


def bring_up(on_progress: OnProgress) -> StackSettings:
    """Start what does not run of the stack; return when all is ready, with the settings that it runs with.

    Raises `StackError` with what keeps it from that.
    """
    with alone("make up", stack_directory(merged_environment()), on_progress), outliving_terminal():
        before = running_settings(merged_environment())
        environment = with_broker(merged_environment(), before)
        last = mode_before(before, environment)
        mode = choose_mode(wanted_mode(environment), last, engine_answers)
        replaced = _replaced(before, mode)
        settings, line = settings_to_start(environment, mode)
        if written := generate():
            on_progress(f"The code has changed what follows from it: {names(written)} written.")
        as_saved = ", as what is saved was queued" if last == mode and before is None else ""
        # What is saved may be of another broker.
        on_broker = "" if settings.broker == LOCALSTACK else f"{',' if as_saved else ''} on {settings.broker.title}"
        on_progress(f"Starting the stack {MODE_TEXTS[settings.mode]}{as_saved}{on_broker}.")
        if line:
            on_progress(line)
        say_what_another_keeps(settings, on_progress)
        with holder_named():
            mode_of_running(settings.mode).up(settings, replaced, on_progress)
        return settings


def say_what_another_keeps(settings: StackSettings, on_progress: OnProgress) -> None:
    """Say what a broker keeps on which this stack has run, and does not now."""
    kept = state.kept_messages(settings.directory)
    if kept and kept.broker != settings.broker.name:
        on_progress(str(kept))


def brought_up(on_progress: OnProgress) -> StackSettings:
    """Return the settings of the stack that runs; what does not run of it is started first.

    Raises as `bring_up` does.
    """
    settings = running_settings(merged_environment())
    if settings is None or not is_whole(mode_of_running(settings.mode).ps(settings)):
        return bring_up(on_progress)
    return settings


def is_whole(services: Sequence[ServiceStatus]) -> bool:
    """Return whether all of a stack runs: a start that was interrupted, or has failed, leaves a part of it."""
    return bool(services) and all(service.state == "running" for service in services)


def _replaced(before: StackSettings | None, mode: Mode) -> StackSettings | None:
    """The stack as it runs in this mode. Raises `StackError` where it runs in the other one."""
    if before is None or before.mode == mode:
        return before
    # Where no engine answers any more, none of its containers runs.
    if (before.mode != "containers" or engine_answers()) and mode_of_running(before.mode).ps(before):
        raise StackError(f"The stack runs {MODE_TEXTS[before.mode]}: stop it first with `make down`.")
    return None


@contextmanager
def holder_named() -> Iterator[None]:
    """Let the error of a port that is taken name the stack that has it, of whichever mode, where it is one's."""
    try:
        yield
    except PortTakenError as error:
        if holder := _holder(error.port):
            line = f"{holder} (`make down` there stops it)"
            raise PortTakenError(error.port, error.remedy, line) from error
        raise


def _holder(port: int) -> str | None:
    if listener := find_listener(port):
        return f"the stack of {listener}"
    held = (each for each in project_containers() if port in each.ports)
    return next((f"the Compose project {container.project} of {container.folder}" for container in held), None)


def _addresses(settings: StackSettings) -> dict[str, str]:
    return {
        "api": settings.api_url,
        "receiver": settings.receiver_url,
        "console": settings.console_url,
        settings.broker.name: settings.localstack_url,
    }


def _first_task(settings: StackSettings) -> str:
    """The command that posts a first task, of a type of one's own where there is one."""
    own = next(iter(own_task_types_of(settings.environment)), None)
    return f"make submit TYPE={own} WAIT=1" if own else curl(settings)


def _show_ready(settings: StackSettings) -> None:
    table = WholeTable("what", "where", has_header=False)
    table.add_row("API, with documentation", f"{settings.api_url}/docs")
    table.add_row("receiver: callbacks and alerts", settings.receiver_url)
    table.add_row("console: queues, services, what failed", settings.console_url)
    table.add_row(settings.broker.title, settings.localstack_url)
    if observability.is_wanted(settings.environment):
        table.add_row("Grafana", f"http://localhost:{settings.grafana_port}")
        table.add_row("Prometheus", f"http://localhost:{settings.prometheus_port}")
        table.add_row("Jaeger: traces", f"http://localhost:{settings.jaeger_port}")
    console.print("\n[bold green]The stack is ready.[/bold green]")
    show_table(table)
    say(f"\nTry it:\n{_first_task(settings)}\n\nThen: make demo · make tail · make ps · make logs · make down")
