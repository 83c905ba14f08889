"""What `ps` shows: the services as this machine sees them, and the queues and workers as the console does."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.console import Group, RenderableType
from rich.text import Text

from services.primitives.durations import describe_duration
from services.streams.printable import printable
from services.streams.whole_table import WholeTable
from stack.config import StackSettings
from stack.logs.view import time_of_day
from stack.mode import mode_of_running
from stack.status import ServiceStatus
from stack.terminal import refreshed, say, show_json, show_table

ANSWER_TIMEOUT_SECONDS = 3.0
WATCH_SECONDS = 2.0

MOST_IN_FLIGHT = 3
"""So many of a worker's tasks are named."""

HEALTH_STYLES = {"healthy": "green", "unhealthy": "bold red"}


@dataclass(frozen=True)
class Overview:
    """The stack at one moment."""

    services: list[ServiceStatus]
    queues: list[dict[str, Any]]
    """As in the console's `GET /api/state`, without their history."""
    workers: list[dict[str, Any]]
    """Those of its services that consume queues, and any that do not say what they do."""
    console_problem: str | None
    """Why the console says nothing."""
    unclaimed_problem: str | None = None
    """Why it does not know of queues that no task type claims."""
    made_anew: dict[str, Any] | None = None
    """The queues that lost what they held, as the console has seen it."""

    def as_json(self) -> dict[str, Any]:
        """For `ps --json`."""
        services = [status.as_json() for status in self.services]
        shown = {"services": services, "queues": self.queues, "workers": self.workers}
        problems = {"console_problem": self.console_problem, "unclaimed_problem": self.unclaimed_problem}
        return {**shown, **problems, "made_anew": self.made_anew}


def show_overview(settings: StackSettings, *, watch: bool, as_json: bool) -> None:
    """Print what there is; with `watch` until Ctrl-C, refreshed in place. Raises `StackError` where nobody answers."""
    if watch:
        _watch(settings)
        return
    overview = _look(settings)
    if as_json:
        show_json(overview.as_json())
    elif not overview.services:
        say("Nothing of the stack runs: `make up` starts it.")
    else:
        show_table(overview_text(overview))


def _watch(settings: StackSettings) -> None:
    with refreshed() as refresh:
        while True:
            refresh(overview_text(_look(settings)))
            time.sleep(WATCH_SECONDS)


def _look(settings: StackSettings) -> Overview:
    return look(settings, mode_of_running(settings.mode).ps(settings))


def look(settings: StackSettings, services: list[ServiceStatus]) -> Overview:
    """Ask the console; where it does not answer, the services alone are known."""
    try:
        state = _console_state(settings)
    except (httpx.HTTPError, ValueError) as error:
        problem = f"The console does not answer at {settings.console_url}: queues and workers are not shown ({error})."
        return Overview(services, [], [], problem)
    queues = [{name: value for name, value in queue.items() if name != "history"} for queue in state["queues"]]
    # One that does not answer may be a worker: it is not to be missing where it is looked for.
    workers = [each for each in state["services"] if each["consumers"] or each["error"]]
    return Overview(
        services,
        queues,
        _distinguished(workers, services),
        None,
        state.get("unclaimed_problem"),
        state.get("made_anew"),
    )


def _distinguished(workers: Iterable[dict[str, Any]], services: Iterable[ServiceStatus]) -> list[dict[str, Any]]:
    """The workers by the names that the services have here: the console calls all copies of one alike."""
    names = {each.address: each.name for each in services if each.address}
    return [{**worker, "name": names.get(urlsplit(worker["url"]).hostname, worker["name"])} for worker in workers]


def overview_text(overview: Overview) -> RenderableType:
    """The tables for a person."""
    parts: list[RenderableType] = [_service_table(overview.services)]
    if overview.queues:
        parts += ["", _queue_table(overview.queues), *_silent_queues(overview.queues)]
    if overview.workers:
        parts += ["", _worker_table(overview.workers)]
    if overview.made_anew:
        parts += ["", _made_anew(overview.made_anew)]
    for problem in filter(None, (overview.console_problem, overview.unclaimed_problem)):
        parts += ["", Text(printable(problem), style="yellow")]
    return Group(*parts)


def _service_table(services: Iterable[ServiceStatus]) -> WholeTable:
    table = WholeTable("service", "state", "health", "pid", "uptime", right=("pid", "uptime"))
    for each in services:
        uptime = "" if each.uptime_seconds is None else str(timedelta(seconds=each.uptime_seconds))
        health = Text(each.health, style=HEALTH_STYLES.get(each.health, ""))
        table.add_row(each.name, each.state, health, str(each.pid or ""), uptime)
    return table


def _queue_table(queues: Iterable[dict[str, Any]]) -> WholeTable:
    numbers = ("waiting", "in flight", "delayed", "oldest", "in its DLQ")
    table = WholeTable("queue", *numbers, right=numbers)
    by_name = {queue["name"]: queue for queue in queues}
    for queue in by_name.values():
        if queue["kind"] == "dlq":
            continue
        name = Text(printable(queue["name"]))
        if queue["kind"] == "unclaimed":
            name.append(" (no task type claims it)", style="yellow")
        if queue["error"]:
            table.add_row(name)
            continue
        table.add_row(
            name,
            *(_number(queue[field]) for field in ("waiting", "in_flight", "delayed")),
            _age(queue),
            _dead(by_name.get(queue["dead_letter_queue"])),
        )
    return table


def _silent_queues(queues: list[dict[str, Any]]) -> Iterator[Text]:
    """Why those queues do not answer that do not, in a line for each reason."""
    reasons = dict.fromkeys(queue["error"] for queue in queues if queue["error"])
    for reason in reasons:
        names = [queue["name"] for queue in queues if queue["error"] == reason]
        which = "" if len(names) == len(queues) else f"{', '.join(names)}: "
        yield Text(printable(f"{which}{reason}"), style="red")


def _worker_table(workers: Iterable[dict[str, Any]]) -> WholeTable:
    table = WholeTable("worker", "queue", "busy", "works on now", right=("busy",))
    table.columns[-1].no_wrap = False
    for worker in workers:
        for consumer in worker["consumers"]:
            busy = f"{consumer['busy']}/{consumer['slots']}"
            doing = Text(printable(", ".join(_in_flight(consumer["in_flight"]))) or "—")
            table.add_row(worker["name"], consumer["queue"], busy, doing)
        if worker["error"] or worker["reasons"]:
            reasons = "; ".join([*filter(None, [worker["error"]]), *worker["reasons"]])
            name = "" if worker["consumers"] else worker["name"]
            table.add_row(name, "", "", Text(printable(reasons), style="red"))
    return table


def _in_flight(in_flight: list[dict[str, Any]]) -> Iterator[str]:
    for each in in_flight[:MOST_IN_FLIGHT]:
        attempt = f", attempt {each['attempt']}" if each["attempt"] > 1 else ""
        settling = ", settling" if each["settling"] else ""
        yield f"{each['task_id'] or each['message_id']} ({describe_duration(each['since_seconds'])}{attempt}{settling})"
    if len(in_flight) > MOST_IN_FLIGHT:
        yield f"{len(in_flight) - MOST_IN_FLIGHT} more"


def _made_anew(news: dict[str, Any]) -> Text:
    style = "bold red" if news["messages"] else ""
    return Text(printable(f"At {time_of_day(news['at'])[:-4]}, {news['text']}."), style=style)


def _age(queue: dict[str, Any]) -> str:
    if queue["oldest_seconds"] is None:
        return ""
    return ("≥ " if queue["oldest_is_at_least"] else "") + describe_duration(queue["oldest_seconds"])


def _dead(dlq: dict[str, Any] | None) -> Text:
    if dlq is None or dlq["kind"] != "dlq" or dlq["error"]:
        return Text("")
    count = sum(dlq[field] or 0 for field in ("waiting", "in_flight", "delayed"))
    return Text(f"{count:,}", style="bold red" if count else "")


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _console_state(settings: StackSettings) -> dict[str, Any]:
    with httpx.Client(trust_env=False, timeout=ANSWER_TIMEOUT_SECONDS) as client:
        state = client.get(f"{settings.console_url}/api/state").raise_for_status().json()
    if not isinstance(state, dict) or not {"queues", "services"} <= state.keys():
        raise ValueError("another program answers there")
    return state
