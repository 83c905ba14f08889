"""Compares what was promised with what the outside world knows: a pure function, which finds what was lost."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.queues import UNDELIVERED
from tests.chaos.evidence import Evidence, QueuedMessage
from tests.chaos.ledger import Ledger
from tests.chaos.outcomes import Outcome

Fate = Literal["delivered as success", "delivered as failure", "undelivered with alert", "undelivered unseen", "lost"]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_SHOWN = 300
_WORKER_LOST = "no worker reported back"
_DIGEST = re.compile(r"(\d+) alerts from ")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that breaks the promise, or the contract of an outcome."""

    subject: str
    """A task id, the marker of a foreign message, or the name of a queue or a service."""
    what: str

    @property
    def is_of_a_task(self) -> bool:
        """Whether its subject can be looked for in the logs."""
        return bool(_UUID.fullmatch(self.subject))


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
    begun_again: int
    """Tasks that must not be repeated, and that were begun more than once."""
    own_reasons: int
    """Tasks that fail of themselves, and whose failure says of what."""
    lost_workers: int
    """Tasks that fail of themselves, and whose failure says only that no worker reported back."""
    given_up: int
    """Tasks that are in `undelivered` although their callback takes outcomes: all its attempts met a fault."""
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


Outcomes = Mapping[str, Sequence[Outcome]]
"""Those of the promised tasks that were taken, by task id, oldest first."""


def outstanding(ledger: Ledger, evidence: Evidence) -> int:
    """Count the tasks of which nobody has heard yet, and the messages in queues that something consumes."""
    unheard = len(ledger.promises.keys() - _accounted_for(evidence))
    return unheard + sum(len(messages) for messages in _consumed(evidence).values())


def reconcile(ledger: Ledger, evidence: Evidence, *, sends_once: bool = False) -> Report:
    """Find what became of every promise and every foreign message, and everything that is not as it must be.

    `sends_once`: whether each post of a task has put it on its queue once at the most.
    """
    outcomes = _outcomes(ledger, evidence)
    fates = _fates(ledger, outcomes, evidence)
    own_reasons = [*_own_reasons(ledger, outcomes)]
    given_up = [*_given_up(ledger, fates)]
    begins = _begins(ledger, evidence)
    waits = [Wait(heard[0].received_at - ledger.promises[each].accepted_at, each) for each, heard in outcomes.items()]
    return Report(
        fates=fates,
        duplicates=sum(len(heard) > 1 for heard in outcomes.values()),
        contradictions=sum(len({outcome.is_failure for outcome in heard}) > 1 for heard in outcomes.values()),
        begun_again=sum(count > 1 for count in begins.values()),
        own_reasons=sum(own_reasons),
        lost_workers=len(own_reasons) - sum(own_reasons),
        given_up=sum(given_up),
        foreign_found=len({sent.message.marker for sent in ledger.foreign} & _accounted_for(evidence)),
        alerts=_alerts(evidence),
        longest_wait=max(waits, key=lambda wait: wait.seconds, default=Wait(0, "")),
        problems=[
            *_problems_of_fates(fates, evidence),
            *_problems_of_outcomes(ledger, outcomes),
            *_problems_of_signatures(ledger, evidence),
            *(_problems_of_begins(ledger, begins) if sends_once else ()),
            *_problems_of_reasons(own_reasons),
            *_problems_of_giving_up(given_up),
            *_problems_of_foreign(ledger, evidence),
            *_problems_of_queues(evidence),
            *_problems_of_alerts(evidence),
            *(Problem(service, "is not healthy again") for service in evidence.unhealthy),
            *_problems_of_answers(ledger),
        ],
    )


def _outcomes(ledger: Ledger, evidence: Evidence) -> Outcomes:
    outcomes: defaultdict[str, list[Outcome]] = defaultdict(list)
    for delivery in evidence.deliveries:
        if delivery.was_taken and delivery.task_id in ledger.promises:
            outcomes[delivery.task_id].append(Outcome.of(delivery))
    return dict(outcomes)


def _accounted_for(evidence: Evidence) -> set[str]:
    """The ids of all tasks that were heard of or are kept, the markers of foreign messages included."""
    return {each.task_id for each in evidence.deliveries if each.was_taken and each.task_id} | _kept(evidence)


def _kept(evidence: Evidence) -> set[str]:
    return _uuids_in(message.body for message in evidence.queued.get(UNDELIVERED, []))


def _consumed(evidence: Evidence) -> dict[str, Sequence[QueuedMessage]]:
    """The messages of the queues that something consumes, and that must be empty at the end."""
    return {queue: messages for queue, messages in evidence.queued.items() if queue != UNDELIVERED and messages}


def _mentions(messages: Iterable[QueuedMessage], task_id: str) -> bool:
    return any(task_id in message.body for message in messages)


def _uuids_in(texts: Iterable[str]) -> set[str]:
    return {uuid for text in texts for uuid in _UUID.findall(text)}


def _fates(ledger: Ledger, outcomes: Outcomes, evidence: Evidence) -> dict[str, Fate]:
    kept, alerted = _kept(evidence), _uuids_in([*evidence.slack_messages, *evidence.logged_alerts])
    return {
        task_id: _fate(outcomes.get(task_id, ()), is_kept=task_id in kept, is_alerted=task_id in alerted)
        for task_id in ledger.promises
    }


def _fate(outcomes: Sequence[Outcome], *, is_kept: bool, is_alerted: bool) -> Fate:
    if outcomes:
        return "delivered as failure" if outcomes[0].is_failure else "delivered as success"
    if is_kept:
        return "undelivered with alert" if is_alerted else "undelivered unseen"
    return "lost"


def _own_reasons(ledger: Ledger, outcomes: Outcomes) -> Iterator[bool]:
    """For each task that fails of itself: whether its failure says of what."""
    for task_id, heard in outcomes.items():
        if ledger.promises[task_id].submission.work.must_fail and heard[0].is_failure:
            yield _WORKER_LOST not in heard[0].details


def _begins(ledger: Ledger, evidence: Evidence) -> dict[str, int]:
    """How often each task that must not be repeated was begun, by its id."""
    reports = Counter(delivery.task_id for delivery in evidence.deliveries)
    probes = {task_id: promise.submission.work.only_probe for task_id, promise in ledger.promises.items()}
    return {task_id: reports[probe] for task_id, probe in probes.items() if probe}


def _given_up(ledger: Ledger, fates: Mapping[str, Fate]) -> Iterator[bool]:
    """For each task whose callback takes outcomes: whether it was not delivered."""
    for task_id, fate in fates.items():
        if ledger.promises[task_id].submission.callback.takes:
            yield fate.startswith("undelivered")


def _alerts(evidence: Evidence) -> int:
    return sum(map(_alerts_in, evidence.slack_messages))


def _alerts_in(slack_message: str) -> int:
    """How many alerts a Slack message is of: a digest begins with their number."""
    counted = _DIGEST.match(json.loads(slack_message).get("text", ""))
    return int(counted[1]) if counted else 1


def _problems_of_fates(fates: Mapping[str, Fate], evidence: Evidence) -> Iterator[Problem]:
    for task_id, fate in fates.items():
        if fate == "lost":
            queues = [queue for queue, messages in _consumed(evidence).items() if _mentions(messages, task_id)]
            yield Problem(task_id, f"lost: no delivery was taken, and it is in {' and '.join(queues) or 'no queue'}")
        if fate == "undelivered unseen":
            yield Problem(task_id, "it is in undelivered, and nobody was alerted")


def _problems_of_outcomes(ledger: Ledger, outcomes: Outcomes) -> Iterator[Problem]:
    for task_id, heard in outcomes.items():
        promise = ledger.promises[task_id]
        for outcome in heard:
            if problem := outcome.problem(promise):
                yield Problem(task_id, f"{problem}: {outcome.raw_body.decode(errors='replace')}")
        successes = {outcome.raw_body for outcome in heard if not outcome.is_failure}
        if promise.submission.work.is_repeatable and len(successes) > 1:
            yield Problem(task_id, f"its deliveries differ: {successes}")


def _problems_of_signatures(ledger: Ledger, evidence: Evidence) -> Iterator[Problem]:
    for delivery in evidence.deliveries:
        if delivery.task_id in ledger.promises and delivery.verdict != "valid":
            yield Problem(delivery.task_id, f"a delivery has a signature that is {delivery.verdict}")


def _problems_of_begins(ledger: Ledger, begins: Mapping[str, int]) -> Iterator[Problem]:
    for task_id, count in begins.items():
        posts = ledger.promises[task_id].posts
        if count > posts:
            yield Problem(task_id, f"it must not be repeated, was posted {posts} times and begun {count} times")


def _problems_of_reasons(own_reasons: Sequence[bool]) -> Iterator[Problem]:
    """Some lose their worker in the last attempt; where most say so, it is their reasons that get lost."""
    if 2 * sum(own_reasons) < len(own_reasons):
        yield Problem(
            "failures", f"only {sum(own_reasons)} of {len(own_reasons)} tasks that fail of themselves say why"
        )


def _problems_of_giving_up(given_up: Sequence[bool]) -> Iterator[Problem]:
    """A schedule can be used up by faults; where most are, nobody tries."""
    if 2 * sum(given_up) > len(given_up):
        yield Problem("callbacks", f"{sum(given_up)} of {len(given_up)} tasks whose callback takes were not delivered")


def _problems_of_foreign(ledger: Ledger, evidence: Evidence) -> Iterator[Problem]:
    found = _accounted_for(evidence)
    for sent in ledger.foreign:
        if sent.message.marker not in found:
            yield Problem(sent.message.marker, f"lost: foreign message ({sent.message.kind}) sent to {sent.queue}")


def _problems_of_queues(evidence: Evidence) -> Iterator[Problem]:
    for queue, messages in _consumed(evidence).items():
        yield Problem(queue, f"{len(messages)} messages are still queued, the first: {_shown(messages[0])}")
    if silent := [message for message in evidence.queued.get(UNDELIVERED, []) if not message.reason]:
        yield Problem(UNDELIVERED, f"{len(silent)} messages are kept without a reason, the first: {_shown(silent[0])}")


def _shown(message: QueuedMessage) -> str:
    return message.body[:_LONGEST_SHOWN]


def _problems_of_alerts(evidence: Evidence) -> Iterator[Problem]:
    # The same message may be kept twice, as SQS delivers at least once.
    kept = {message.body for message in evidence.queued.get(UNDELIVERED, [])}
    if _alerts(evidence) < len(kept):
        yield Problem("Slack", f"has heard of {_alerts(evidence)} failures, and undelivered has {len(kept)}")


def _problems_of_answers(ledger: Ledger) -> Iterator[Problem]:
    for status, count in ledger.answers.items():
        if status.startswith("4"):
            yield Problem("API", f"answered {status} to {count} good requests")
