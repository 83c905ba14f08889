"""What LocalStack's own answer about its hooks means, and how long one waits."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from stack.errors import StackError
from stack.readiness import READY, Probe, Readiness, impatient, init_readiness, wait_until_all_ready, wait_until_ready


def script(state: str, stage: str = "READY", name: str = "provision_queues.py") -> dict[str, Any]:
    return {"stage": stage, "name": name, "state": state}


@pytest.mark.parametrize(
    ("completed", "states", "verdict"),
    [
        (True, ["SUCCESSFUL"], "ready"),
        (True, ["SUCCESSFUL", "SUCCESSFUL"], "ready"),
        (False, ["RUNNING"], "not yet"),
        (False, ["UNKNOWN"], "not yet"),
        (False, ["SUCCESSFUL", "RUNNING"], "not yet"),
        (False, [], "not yet"),
        (True, ["ERROR"], "failed"),
        (False, ["ERROR", "RUNNING"], "failed"),
        (True, [], "failed"),
    ],
)
def test_ready_is_every_hook_run_with_success(completed: bool, states: list[str], verdict: str) -> None:  # noqa: FBT001
    answer = {"completed": {"READY": completed}, "scripts": [script(state) for state in states]}

    assert init_readiness(answer).verdict == verdict


def test_a_failed_hook_is_named() -> None:
    answer = {"completed": {"READY": True}, "scripts": [script("ERROR")]}
    assert "provision_queues.py" in init_readiness(answer).reason


def test_queues_that_could_not_be_restored_are_a_failure_and_the_hook_of_the_end_has_not_to_run() -> None:
    scripts = [script("SUCCESSFUL"), script("UNKNOWN", "SHUTDOWN", "keep_queues.py")]
    restored = {"completed": {"READY": True}, "scripts": scripts}
    unreadable = {"completed": {"READY": True}, "scripts": [*scripts, script("ERROR", "START", "restore_queues.py")]}

    assert init_readiness(restored) == READY
    assert "restore_queues.py" in init_readiness(unreadable).reason


def answers(*given: Readiness) -> Iterator[Readiness]:
    yield from given


def test_it_waits_until_the_probe_says_ready() -> None:
    probe = answers(Readiness("not yet"), Readiness("not yet"), READY)

    wait_until_ready("api", lambda: next(probe), timeout_seconds=60)

    assert list(probe) == []


def test_what_failed_is_not_waited_for() -> None:
    probe = answers(Readiness("failed", "it exited"), READY)

    with pytest.raises(StackError, match=r"^api cannot start: it exited$"):
        wait_until_ready("api", lambda: next(probe), timeout_seconds=60)

    assert list(probe) == [READY]


def test_what_takes_too_long_is_reported_with_the_last_reason() -> None:
    with pytest.raises(StackError, match=r"^api is not ready after 0 s: its queues do not answer$"):
        wait_until_ready("api", lambda: Readiness("not yet", "its queues do not answer"), timeout_seconds=0)


NOT_YET = Readiness("not yet", "its queues do not answer")


def looks(*given: Mapping[str, Readiness | Probe]) -> Iterator[Mapping[str, Readiness | Probe]]:
    yield from given


def test_several_are_waited_for_together() -> None:
    rounds = looks(
        {"api": NOT_YET, "console": READY}, {"api": READY, "console": NOT_YET}, {"api": READY, "console": READY}
    )

    wait_until_all_ready(lambda: next(rounds), timeout_seconds=60)

    assert list(rounds) == []


def test_one_that_fails_is_reported_at_once_with_its_evidence_whoever_is_not_ready_before_it() -> None:
    rounds = looks({"api": NOT_YET, "worker": Readiness("failed", "it has exited")})

    with pytest.raises(StackError, match=r"^worker cannot start: it has exited$") as raised:
        wait_until_all_ready(lambda: next(rounds), 60, lambda name: f"the log of {name}")

    assert raised.value.evidence == "the log of worker"


def test_one_that_was_ready_is_not_asked_again_and_reported_when_it_fails_after_all() -> None:
    asked = answers(READY)
    probe: Probe = lambda: next(asked)  # noqa: E731  # a name for its type
    crashed = Readiness("failed", "it has exited")
    rounds = looks(
        {"api": NOT_YET, "worker": probe}, {"api": NOT_YET, "worker": probe}, {"api": NOT_YET, "worker": crashed}
    )

    with pytest.raises(StackError, match=r"^worker cannot start: it has exited$"):
        wait_until_all_ready(lambda: next(rounds), timeout_seconds=60)


def test_when_time_is_up_the_first_says_why_and_the_others_are_named() -> None:
    reported = r"^api is not ready after 0 s: its queues do not answer \(nor is worker, console\)$"
    with pytest.raises(StackError, match=reported):
        wait_until_all_ready(lambda: {"api": NOT_YET, "receiver": READY, "worker": NOT_YET, "console": NOT_YET}, 0)


def test_where_it_takes_long_it_is_said_for_whom_it_waits_and_why() -> None:
    rounds = looks({"api": NOT_YET, "receiver": READY}, {"api": READY, "receiver": READY})
    said: list[str] = []

    wait_until_all_ready(lambda: next(rounds), 60, on_progress=said.append, still_waiting_seconds=0)

    assert said == ["Still waiting: api is not ready after 0 s: its queues do not answer"]


@pytest.mark.parametrize(
    ("answer", "seconds_left", "verdict"),
    [(NOT_YET, 60, "not yet"), (NOT_YET, 0, "failed"), (READY, 0, "ready"), (Readiness("failed"), 60, "failed")],
)
def test_who_is_not_ready_by_the_deadline_has_failed(answer: Readiness, seconds_left: float, verdict: str) -> None:
    asked = impatient(lambda: answer, time.monotonic() + seconds_left)()

    assert (asked.verdict, asked.reason) == (verdict, answer.reason)
