"""What was promised against what is known: nothing is lost without being reported as lost."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.chaos.evidence import Delivery, Evidence, QueuedMessage
from tests.chaos.foreign_messages import ForeignMessage
from tests.chaos.ledger import Ledger, SentForeign
from tests.chaos.reconciliation import Problem, Report, Wait, outstanding, reconcile
from tests.chaos.submissions import Callback, Submission, Work

TASK = "00000000-0000-0000-0000-00000000000a"
OTHER = "00000000-0000-0000-0000-00000000000b"
MARKER = "00000000-0000-0000-0000-00000000000c"

ACCEPTED_AT = 1000.0
REQUEST = {"callback_url": "http://here", "message": [{"name": "it"}]}
SUCCESS = {"results": [{"it": 1}], "errors": []}


def failure(details: str = "RuntimeError: no", message: Any = REQUEST) -> dict[str, Any]:
    return {"results": [], "errors": [{"details": details, "message": message}]}


def ledger_of(*task_ids: str, takes: bool = False, **work: Any) -> Ledger:
    """The ledger of a client that was answered 200 so often; its tasks must have the result 1."""
    ledger = Ledger()
    for task_id in task_ids:
        made = Work("any", "/", [{"name": "it"}], **{"problem_of": must_be_one, **work})
        ledger.promise(task_id, Submission(made, Callback("http://here", takes)), ACCEPTED_AT)
    return ledger


def posted(times: int, **work: Any) -> Ledger:
    """The ledger of a client that posted a task so often before it was answered 200."""
    ledger = Ledger()
    made = Work("any", "/", [{"name": "it"}], must_be_one, **work)
    ledger.promise(TASK, Submission(made, Callback("http://here", takes=True)), ACCEPTED_AT, posts=times)
    return ledger


def must_be_one(body: Any) -> str | None:
    return None if body["results"] == [{"it": 1}] else "1 was expected"


def delivery(task_id: str = TASK, body: Any = SUCCESS, **details: Any) -> Delivery:
    raw_body = json.dumps({**body, "task_id": task_id}).encode()
    values = {"id": 1, "was_taken": True, "received_at": ACCEPTED_AT + 2, "verdict": "valid"}
    return Delivery(task_id=task_id, **{**values, "raw_body": raw_body, **details})


def kept(task_id: str = TASK, reason: str = "the receiver answered 410") -> QueuedMessage:
    return QueuedMessage(json.dumps({"task_id": task_id}), reason)


def slack(text: str) -> str:
    return json.dumps({"text": text, "blocks": []})


def evidence(
    *deliveries: Delivery,
    queued: Mapping[str, Sequence[QueuedMessage]] | None = None,
    slack_messages: Sequence[str] = (),
    logged_alerts: Sequence[str] = (),
    unhealthy: Sequence[str] = (),
) -> Evidence:
    return Evidence(deliveries, slack_messages, logged_alerts, queued or {}, unhealthy)


def subjects(report: Report) -> list[str]:
    return [problem.subject for problem in report.problems]


def test_a_task_that_was_heard_of_is_delivered_as_what_it_says() -> None:
    report = reconcile(ledger_of(TASK, OTHER), evidence(delivery(), delivery(OTHER, failure())))
    assert report.fates == {TASK: "delivered as success", OTHER: "delivered as failure"}
    assert report.lost == []
    assert report.problems == []


def test_a_task_of_which_there_is_no_trace_is_lost() -> None:
    report = reconcile(ledger_of(TASK, OTHER), evidence(delivery(OTHER)))
    assert report.lost == [TASK]
    assert report.problems == [Problem(TASK, "lost: no delivery was taken, and it is in no queue")]


def test_a_delivery_that_was_not_taken_is_none() -> None:
    assert reconcile(ledger_of(TASK), evidence(delivery(was_taken=False))).lost == [TASK]


def test_a_task_that_is_still_queued_is_lost_and_its_queue_is_named() -> None:
    report = reconcile(ledger_of(TASK), evidence(queued={"callbacks": [kept()]}))
    assert report.lost == [TASK]
    assert Problem(TASK, "lost: no delivery was taken, and it is in callbacks") in report.problems
    assert "callbacks" in subjects(report)


def test_an_alert_alone_keeps_no_outcome() -> None:
    assert reconcile(ledger_of(TASK), evidence(slack_messages=[slack(f"{TASK} failed")])).lost == [TASK]


@pytest.mark.parametrize("named_by", ["slack_messages", "logged_alerts"])
def test_what_nobody_took_is_kept_and_a_person_was_notified(named_by: str) -> None:
    posted = {"slack_messages": [slack("1 alerts from 1 to 2")], named_by: [slack(f"{TASK} was not delivered")]}
    report = reconcile(ledger_of(TASK), evidence(queued={"undelivered": [kept()]}, **posted))
    assert report.count("undelivered with alert") == 1
    assert report.problems == []


def test_what_is_kept_without_a_word_is_no_fate_that_was_promised() -> None:
    report = reconcile(ledger_of(TASK), evidence(queued={"undelivered": [kept()]}))
    assert report.count("undelivered unseen") == 1
    assert TASK in subjects(report)


def test_a_message_that_is_kept_says_why() -> None:
    report = reconcile(ledger_of(TASK), evidence(delivery(), queued={"undelivered": [kept(reason="")]}))
    assert "undelivered" in subjects(report)


def test_a_digest_is_of_as_many_as_it_says() -> None:
    messages = {"undelivered": [kept(TASK), kept(OTHER), kept(OTHER)]}
    heard = [delivery(TASK), delivery(OTHER)]
    digest = evidence(*heard, queued=messages, slack_messages=[slack("2 alerts from 10:00 to 10:01 UTC")])
    alone = evidence(*heard, queued=messages, slack_messages=[slack("Task x failed for good")])
    assert reconcile(ledger_of(TASK, OTHER), digest).problems == []
    assert subjects(reconcile(ledger_of(TASK, OTHER), alone)) == ["Slack"]


def test_tasks_that_are_taken_more_than_once_are_counted_as_duplicates() -> None:
    report = reconcile(ledger_of(TASK, OTHER), evidence(delivery(), delivery(), delivery(), delivery(OTHER)))
    assert (report.duplicates, report.contradictions) == (1, 0)


def test_a_task_of_which_both_was_said_is_counted_too() -> None:
    report = reconcile(ledger_of(TASK), evidence(delivery(), delivery(body=failure())))
    assert (report.duplicates, report.contradictions) == (1, 1)
    assert report.fates == {TASK: "delivered as success"}


def test_the_longest_wait_goes_from_the_200_to_the_first_delivery_that_was_taken() -> None:
    first_refused = delivery(was_taken=False, received_at=ACCEPTED_AT + 1)
    taken, again = delivery(received_at=ACCEPTED_AT + 3), delivery(received_at=ACCEPTED_AT + 9)
    report = reconcile(ledger_of(TASK, OTHER), evidence(first_refused, taken, again, delivery(OTHER)))
    assert report.longest_wait == Wait(3, TASK)


@pytest.mark.parametrize(
    ("outcome", "what"),
    [
        ({"results": [{"it": 2}], "errors": []}, "1 was expected"),
        (failure(""), "a failure without a reason"),
        (failure("unknown (failed for good after 1 attempt)"), "a failure without a reason"),
        (failure('ValueError: no\nTraceback (most recent call last):\n  File "x.py"'), "a stack trace in a callback"),
        (failure(message={"other": 1}), "a failure carries the original request, and no results"),
        ({"results": "none"}, "no outcome of the task"),
    ],
)
def test_an_outcome_that_is_not_right_is_a_problem(outcome: Any, what: str) -> None:
    report = reconcile(ledger_of(TASK), evidence(delivery(body=outcome)))
    assert [(problem.subject, problem.what.partition(":")[0]) for problem in report.problems] == [(TASK, what)]


def test_a_later_delivery_is_looked_at_as_closely_as_the_first() -> None:
    report = reconcile(ledger_of(TASK), evidence(delivery(), delivery(body=failure(""))))
    assert subjects(report) == [TASK]


@pytest.mark.parametrize("verdict", ["invalid", "missing", "unchecked"])
def test_every_delivery_is_signed(verdict: str) -> None:
    report = reconcile(ledger_of(TASK), evidence(delivery(was_taken=False, verdict=verdict), delivery()))
    assert subjects(report) == [TASK]


def test_successes_of_work_that_is_repeatable_are_the_same_to_the_byte() -> None:
    spaced = json.dumps({**SUCCESS, "task_id": TASK}, indent=1).encode()
    found = evidence(delivery(), delivery(raw_body=spaced))
    assert reconcile(ledger_of(TASK), found).problems == []
    assert subjects(reconcile(ledger_of(TASK, is_repeatable=True), found)) == [TASK]


BEGUN_TWICE = [delivery("probe", {}), delivery("probe", {})]


def test_work_that_must_not_be_repeated_is_begun_once_for_each_post() -> None:
    found = evidence(delivery(), *BEGUN_TWICE)
    once, twice = (reconcile(posted(times, only_probe="probe"), found, sends_once=True) for times in (1, 2))
    assert once.problems == [Problem(TASK, "it must not be repeated, was posted 1 times and begun 2 times")]
    assert twice.problems == []
    assert (once.begun_again, twice.begun_again) == (1, 1)


def test_where_a_send_may_be_repeated_what_is_begun_again_is_only_counted() -> None:
    report = reconcile(posted(1, only_probe="probe"), evidence(delivery(), *BEGUN_TWICE))
    assert (report.begun_again, report.problems) == (1, [])


def test_other_work_may_be_begun_again() -> None:
    report = reconcile(posted(1), evidence(delivery(), *BEGUN_TWICE), sends_once=True)
    assert (report.begun_again, report.problems) == (0, [])


def test_of_what_kills_its_process_nobody_is_asked_why_it_failed() -> None:
    died = evidence(delivery(body=failure("no worker reported back")))
    report = reconcile(ledger_of(TASK, is_lethal=True), died)
    assert (report.lost_workers, report.problems) == (0, [])


def test_most_tasks_that_fail_of_themselves_say_of_what() -> None:
    ledger = ledger_of(TASK, OTHER, MARKER, must_fail=True)
    own, lost_worker = failure("RuntimeError: on purpose"), failure("received once, and no worker reported back")
    good = evidence(delivery(TASK, own), delivery(OTHER, own), delivery(MARKER, lost_worker))
    bad = evidence(delivery(TASK, own), delivery(OTHER, lost_worker), delivery(MARKER, lost_worker))
    report = reconcile(ledger, good)
    assert (report.own_reasons, report.lost_workers, report.problems) == (2, 1, [])
    assert subjects(reconcile(ledger, bad)) == ["failures"]


def test_most_callbacks_that_take_outcomes_get_them() -> None:
    ledger = ledger_of(TASK, OTHER, takes=True)
    posted = {"slack_messages": [slack(f"{TASK} was not delivered"), slack(f"{OTHER} was not delivered")]}
    one = evidence(delivery(OTHER), queued={"undelivered": [kept()]}, **posted)
    none = evidence(queued={"undelivered": [kept(), kept(OTHER)]}, **posted)
    report = reconcile(ledger, one)
    assert (report.given_up, report.problems) == (1, [])
    assert subjects(reconcile(ledger, none)) == ["callbacks"]
    assert reconcile(ledger_of(TASK, OTHER, takes=False), none).problems == []


def foreign_ledger() -> Ledger:
    return Ledger(foreign=[SentForeign("data", ForeignMessage("garbage", MARKER, f"{MARKER} !"))])


@pytest.mark.parametrize(
    "found",
    [
        evidence(queued={"undelivered": [QueuedMessage(f"{MARKER} !", "no JSON")]}, slack_messages=[slack("no task")]),
        evidence(delivery(MARKER, failure())),
    ],
)
def test_a_foreign_message_is_accounted_for_where_it_is_kept_or_reported(found: Evidence) -> None:
    report = reconcile(foreign_ledger(), found)
    assert (report.foreign_found, report.problems) == (1, [])


def test_a_foreign_message_can_be_lost_too() -> None:
    report = reconcile(foreign_ledger(), evidence())
    assert (report.foreign_found, subjects(report)) == (0, [MARKER])


def test_a_service_that_does_not_recover_is_a_problem() -> None:
    assert subjects(reconcile(Ledger(), evidence(unhealthy=["api"]))) == ["api"]


@pytest.mark.parametrize(
    ("status", "is_problem"), [("422", True), ("500", False), ("503", False), ("ReadError", False)]
)
def test_good_requests_are_never_the_clients_fault(status: str, is_problem: bool) -> None:  # noqa: FBT001
    assert bool(reconcile(Ledger(answers=Counter({status: 1})), evidence()).problems) == is_problem


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (evidence(), 1),
        (evidence(delivery(was_taken=False)), 1),
        (evidence(queued={"callbacks": [kept()]}), 2),
        (evidence(delivery(), queued={"calculation": [kept()]}), 1),
        (evidence(delivery()), 0),
        (evidence(queued={"undelivered": [kept()], "callbacks": []}), 0),
    ],
)
def test_outstanding_is_what_nobody_has_heard_of_and_what_is_queued(found: Evidence, count: int) -> None:
    assert outstanding(ledger_of(TASK), found) == count
