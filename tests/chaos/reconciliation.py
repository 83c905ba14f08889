"""Compares what was promised with what the outside world knows: a pure function, which finds what was lost."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from services.queues import UNDELIVERED
from tests.chaos.evidence import Delivery, Evidence, QueuedMessage
from tests.chaos.ledger import Ledger, Promise

Fate = Literal["delivered as success", "delivered as failure", "undelivered with alert", "undelivered unseen", "lost"]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"(\d+) alerts from ")
_FAILURE_KEYS = {"details", "message"}
_STACK_TRACE = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that breaks the promise, or the contract of an outcome."""

    subject: str
    """A task id, the marker of a foreign message, or the name of a queue or a service."""
    what: str


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a client waited for the first delivery that was taken, in seconds from the 200."""

    seconds: float
    task_id: str


@dataclass(frozen=True)
class Report:
    """What became of everything that was sent."""

    fates: Mapping[str, Fate]
    """Of each task that was answered 200, by its id."""
    duplicates: int
    """Tasks of which more than one delivery was taken."""
    contradictions: int
    """Tasks of which both a success and a failure were taken."""
    named_reasons: int
    """Tasks that failed as they were meant to, and whose failure says so."""
    other_reasons: int
    """Tasks that were meant to fail and failed of something else first: a lost worker, a receiver that was down."""
    foreign_found: int
    alerts: int
    """In all Slack messages together."""
    longest_wait: Wait
    problems: Sequence[Problem]

    @property
    def lost(self) -> list[str]:
        """The ids of the tasks of which nobody ever hears."""
        return [task_id for task_id, fate in self.fates.items() if fate == "lost"]

    def count(self, fate: Fate) -> int:
        """How many tasks have this fate."""
        return sum(each == fate for each in self.fates.values())


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A delivery that was taken, and what it said."""

    delivery: Delivery
    body: Any

    @property
    def is_failure(self) -> bool:
        """Whether it says that the task failed for good."""
        errors = self.body["errors"]
        return len(errors) == 1 and errors[0].keys() == _FAILURE_KEYS

    @property
    def details(self) -> str:
        """The reason of a failure."""
        return str(self.body["errors"][0]["details"])


def outstanding(ledger: Ledger, evidence: Evidence) -> int:
    """Count the tasks of which nobody has heard yet, and the messages in queues that something consumes."""
    known = {each.task_id for each in evidence.deliveries if each.was_taken} | _undelivered(evidence)
    unheard = len(ledger.promises.keys() - known)
    return unheard + sum(len(messages) for messages in _consumed(evidence).values())


def reconcile(ledger: Ledger, evidence: Evidence) -> Report:
    """Find what became of every promise and every foreign message, and everything that is not as it must be."""
    outcomes = _outcomes(ledger, evidence)
    fates = _fates(ledger, outcomes, evidence)
    reasons = [*_reasons_of_meant_failures(ledger, outcomes)]
    strangers = {sent.message.marker for sent in ledger.foreign}
    return Report(
        fates=fates,
        duplicates=sum(len(each) > 1 for each in outcomes.values()),
        contradictions=sum(len({outcome.is_failure for outcome in each}) > 1 for each in outcomes.values()),
        named_reasons=sum(reasons),
        other_reasons=len(reasons) - sum(reasons),
        foreign_found=len(strangers & (_taken(evidence) | _undelivered(evidence))),
        alerts=sum(map(_alerts_in, evidence.slack_messages)),
        longest_wait=max(
            (_wait(ledger, each[0]) for each in outcomes.values()), key=lambda wait: wait.seconds, default=Wait(0, "")
        ),
        problems=[
            *_problems_of_fates(fates),
            *_problems_of_outcomes(ledger, outcomes),
            *_problems_of_signatures(ledger, evidence),
            *_problems_of_reasons(reasons),
            *_problems_of_foreign(ledger, evidence),
            *_problems_of_alerts(evidence),
            *_problems_of_queues(evidence),
            *_problems_of_answers(ledger),
        ],
    )


def _taken(evidence: Evidence) -> set[str]:
    return {each.task_id for each in evidence.deliveries if each.was_taken and each.task_id}


def _undelivered(evidence: Evidence) -> set[str]:
    return _uuids_in(message.body for message in evidence.queued.get(UNDELIVERED, []))


def _consumed(evidence: Evidence) -> dict[str, Sequence[QueuedMessage]]:
    """The messages of the queues that something consumes, and that must be empty at the end."""
    return {queue: messages for queue, messages in evidence.queued.items() if queue != UNDELIVERED and messages}


def _uuids_in(texts: Iterable[str]) -> set[str]:
    return {uuid for text in texts for uuid in _UUID.findall(text)}


def _outcomes(ledger: Ledger, evidence: Evidence) -> dict[str, list[_Outcome]]:
    """The deliveries of promised tasks that were taken, by task id, oldest first."""
    outcomes: defaultdict[str, list[_Outcome]] = defaultdict(list)
    for delivery in evidence.deliveries:
        if delivery.was_taken and delivery.task_id in ledger.promises:
            outcomes[delivery.task_id].append(_Outcome(delivery, json.loads(delivery.raw_body, parse_float=Decimal)))
    return dict(outcomes)


def _fates(ledger: Ledger, outcomes: Mapping[str, list[_Outcome]], evidence: Evidence) -> dict[str, Fate]:
    kept, alerted = _undelivered(evidence), _uuids_in([*evidence.slack_messages, *evidence.logged_alerts])
    return {
        task_id: _fate(outcomes.get(task_id, []), is_kept=task_id in kept, is_alerted=task_id in alerted)
        for task_id in ledger.promises
    }


def _fate(outcomes: Sequence[_Outcome], *, is_kept: bool, is_alerted: bool) -> Fate:
    if outcomes:
        return "delivered as failure" if outcomes[0].is_failure else "delivered as success"
    if is_kept:
        return "undelivered with alert" if is_alerted else "undelivered unseen"
    return "lost"


def _wait(ledger: Ledger, first: _Outcome) -> Wait:
    task_id = str(first.delivery.task_id)
    return Wait(first.delivery.received_at - ledger.promises[task_id].accepted_at, task_id)


def _reasons_of_meant_failures(ledger: Ledger, outcomes: Mapping[str, list[_Outcome]]) -> Iterator[bool]:
    """For each failure of a task that was meant to fail: whether it says so."""
    for task_id, heard in outcomes.items():
        meant = ledger.promises[task_id].submission.work.fails_with
        if meant and heard[0].is_failure:
            yield meant in heard[0].details


def _problems_of_fates(fates: Mapping[str, Fate]) -> Iterator[Problem]:
    for task_id, fate in fates.items():
        if fate == "lost":
            yield Problem(task_id, "lost: no delivery was taken, and it is not in undelivered")
        if fate == "undelivered unseen":
            yield Problem(task_id, "in undelivered, and nobody was alerted")


def _problems_of_outcomes(ledger: Ledger, outcomes: Mapping[str, list[_Outcome]]) -> Iterator[Problem]:
    for task_id, heard in outcomes.items():
        promise = ledger.promises[task_id]
        for outcome in heard:
            problem = _problem_of_failure(promise, outcome) if outcome.is_failure else _problem(promise, outcome)
            if problem:
                yield Problem(task_id, f"{problem}: {outcome.delivery.raw_body.decode()}")
        successes = {outcome.delivery.raw_body for outcome in heard if not outcome.is_failure}
        if len(successes) > 1 and promise.submission.work.is_repeatable:
            yield Problem(task_id, f"its deliveries differ: {successes}")


def _problem(promise: Promise, success: _Outcome) -> str | None:
    return promise.submission.work.problem_of(success.body)


def _problem_of_failure(promise: Promise, failure: _Outcome) -> str | None:
    (error,) = failure.body["errors"]
    if not failure.details.strip() or failure.details.startswith("unknown"):
        return "a failure without a reason"
    if _STACK_TRACE in failure.details:
        return "a stack trace in a callback"
    if failure.body["results"] != [] or error["message"] != promise.submission.request:
        return "a failure carries the original request, and no results"
    return None


def _problems_of_signatures(ledger: Ledger, evidence: Evidence) -> Iterator[Problem]:
    for delivery in evidence.deliveries:
        if delivery.task_id in ledger.promises and delivery.verdict != "valid":
            yield Problem(delivery.task_id, f"a delivery has a signature that is {delivery.verdict}")


def _problems_of_reasons(reasons: Sequence[bool]) -> Iterator[Problem]:
    """Some fail of a fault before they can fail of themselves; that most do is the sign that reasons get lost."""
    if 2 * sum(reasons) < len(reasons):
        yield Problem("failures", f"only {sum(reasons)} of {len(reasons)} tasks that fail say why")


def _problems_of_foreign(ledger: Ledger, evidence: Evidence) -> Iterator[Problem]:
    found = _taken(evidence) | _undelivered(evidence)
    for sent in ledger.foreign:
        if sent.message.marker not in found:
            yield Problem(sent.message.marker, f"lost: foreign message ({sent.message.kind}) sent to {sent.queue}")


def _alerts_in(slack_message: str) -> int:
    """How many alerts a Slack message tells of: a digest begins with their number."""
    counted = _DIGEST.match(json.loads(slack_message).get("text", ""))
    return int(counted[1]) if counted else 1


def _problems_of_alerts(evidence: Evidence) -> Iterator[Problem]:
    # The same message may be kept twice, as SQS delivers at least once.
    kept = {message.body for message in evidence.queued.get(UNDELIVERED, [])}
    told = sum(map(_alerts_in, evidence.slack_messages))
    if told < len(kept):
        yield Problem("Slack", f"was told of {told} failures, and undelivered has {len(kept)}")


def _problems_of_queues(evidence: Evidence) -> Iterator[Problem]:
    for queue, messages in _consumed(evidence).items():
        yield Problem(queue, f"{len(messages)} messages are still queued, the first one is {messages[0].body[:300]}")
    for message in evidence.queued.get(UNDELIVERED, []):
        if not message.reason:
            yield Problem(UNDELIVERED, f"a message is kept without a reason: {message.body[:300]}")
    for service in evidence.unhealthy:
        yield Problem(service, "is not healthy again")


def _problems_of_answers(ledger: Ledger) -> Iterator[Problem]:
    for status, count in ledger.answers.items():
        if status.startswith("4"):
            yield Problem("API", f"answered {status} to {count} good requests")
