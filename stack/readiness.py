"""Waits until services are ready, by asking them over HTTP."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, TypeAlias

import httpx

from stack.errors import StackError
from stack.terminal import OnProgress

READY_SECONDS = 180.0
"""How long a start may take: that of many programs at once, on a machine that is busy with others.

It ends what hangs alone, as what exits is told at once.
"""
STILL_WAITING_SECONDS = 30.0
"""How often is said what is waited for."""
POLL_SECONDS = 0.1
ANSWER_TIMEOUT_SECONDS = 2.0

Verdict = Literal["ready", "not yet", "failed"]


@dataclass(frozen=True)
class Readiness:
    """Whether something is ready, and where it is not, why."""

    verdict: Verdict
    reason: str = ""


READY = Readiness("ready")

Probe: TypeAlias = Callable[[], Readiness]

Look: TypeAlias = Callable[[], Mapping[str, Readiness | Probe]]
"""What is known now of each service, by its name: its readiness, or else how to ask for it."""


def wait_until_all_ready(
    look: Look,
    timeout_seconds: float,
    evidence_of: Callable[[str], str] = lambda _name: "",
    on_progress: OnProgress = lambda _line: None,
    *,
    still_waiting_seconds: float = STILL_WAITING_SECONDS,
) -> None:
    """Look until everything is ready; one that has said so when asked is not asked again, only looked at.

    Where that takes long, it says now and then for whom it waits, and why.
    Raises `StackError`, with the evidence of the service that it names, when one has failed, or not all are ready in
    time.
    """
    started = time.monotonic()
    deadline = started + timeout_seconds
    next_word = started + still_waiting_seconds
    ready: set[str] = set()
    while True:
        began = time.monotonic()
        answers = _answers(look(), ready)
        for name, answer in answers.items():
            if answer.verdict == "failed":
                raise StackError(f"{name} cannot start: {answer.reason}", evidence_of(name))
        waiting = {name: answer for name, answer in answers.items() if answer != READY}
        if not waiting:
            return
        if time.monotonic() >= deadline:
            raise StackError(_not_ready(waiting, timeout_seconds), evidence_of(next(iter(waiting))))
        if time.monotonic() >= next_word:
            next_word += still_waiting_seconds
            on_progress(f"Still waiting: {_not_ready(waiting, time.monotonic() - started)}")
        ready |= answers.keys() - waiting.keys()
        # Where to ask costs much, what starts is to have as much of the machine.
        time.sleep(max(POLL_SECONDS, time.monotonic() - began))


def wait_until_ready(name: str, probe: Probe, timeout_seconds: float) -> None:
    """Ask `probe` until it says ready. Raises `StackError` when it says failed, or not in time."""
    wait_until_all_ready(lambda: {name: probe}, timeout_seconds)


def wait_for_verdict(probe: Probe, timeout_seconds: float) -> Readiness:
    """Ask `probe` until it says ready or failed, or the time is over; return its last answer."""
    deadline = time.monotonic() + timeout_seconds
    while (answer := probe()).verdict == "not yet" and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return answer


def http_probe(url: str) -> Probe:
    """Ready when `url` answers 200."""
    return lambda: _status_readiness(url)


def localstack_probe(localstack_url: str) -> Probe:
    """Ready when LocalStack has run its hooks, each with success: its health answers 200 long before that."""
    return lambda: _localstack_readiness(f"{localstack_url}/_localstack/init")


def init_readiness(answer: dict[str, Any]) -> Readiness:
    """What `/_localstack/init` says of the hooks: those that restore the queues, and those that provision them."""
    scripts = [script for script in answer["scripts"] if script["stage"] != "SHUTDOWN"]
    failed = [script["name"] for script in scripts if script["state"] == "ERROR"]
    if failed:
        return Readiness(
            "failed", f"the hook {', '.join(failed)} failed; its log says why (make logs SERVICE=localstack)"
        )
    if not answer["completed"]["READY"] or any(script["state"] != "SUCCESSFUL" for script in scripts):
        return Readiness("not yet", "its hooks still run")
    if not any(script["stage"] == "READY" for script in scripts):
        return Readiness("failed", "it found no hook to provision the queues with")
    return READY


def impatient(probe: Probe, deadline: float) -> Probe:
    """The probe, of which "not yet" is a failure from the deadline on, in the seconds of `time.monotonic`."""

    def ask() -> Readiness:
        answer = probe()
        is_over = answer.verdict == "not yet" and time.monotonic() >= deadline
        return replace(answer, verdict="failed") if is_over else answer

    return ask


def get(url: str) -> httpx.Response:
    """GET with no proxy between, as everything asked here is on this machine."""
    return _client().get(url)


@cache
def _client() -> httpx.Client:
    """One for all: to make one costs a hundred times what it costs to ask. No connection outlives a service."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(trust_env=False, timeout=ANSWER_TIMEOUT_SECONDS, limits=limits)


def _answers(known: Mapping[str, Readiness | Probe], ready: set[str]) -> dict[str, Readiness]:
    """The readiness of each; those are asked, all at once, that are to be asked and were not ready before."""

    def answer(name: str) -> Readiness:
        probe = known[name]
        if isinstance(probe, Readiness):
            return probe
        return READY if name in ready else probe()

    with ThreadPoolExecutor() as threads:
        return dict(zip(known, threads.map(answer, known), strict=True))


def _not_ready(waiting: Mapping[str, Readiness], waited_seconds: float) -> str:
    (first, answer), *others = waiting.items()
    line = f"{first} is not ready after {waited_seconds:.0f} s: {answer.reason}"
    return f"{line} (nor is {', '.join(name for name, _answer in others)})" if others else line


def _status_readiness(url: str) -> Readiness:
    try:
        response = get(url)
    except httpx.TransportError as error:
        return Readiness("not yet", f"{url} does not answer ({error})")
    if response.status_code == httpx.codes.OK:
        return READY
    return Readiness("not yet", f"{url} answers {response.status_code} {response.text[:200]}")


def _localstack_readiness(url: str) -> Readiness:
    try:
        return init_readiness(get(url).raise_for_status().json())
    except (httpx.HTTPError, ValueError) as error:
        return Readiness("not yet", f"{url} does not answer ({error})")
