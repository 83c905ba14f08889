"""An alert on its way through a queue: whole, of bounded size, and without credentials."""

import json
from typing import Any, cast

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.dlq_watcher.alert import Alert, decode_alert, encode_alert, how_to_redrive, make_alert
from services.dlq_watcher.alerts import of_stack
from services.messages import UnusableMessageError
from services.primitives.sqs_limits import NOT_IN_SQS
from services.queueing.message import read_message
from services.queueing.message_size import message_bytes
from tests.unit.services.dlq_watcher.conftest import alert_of, dead

LARGEST_BYTES = 64 * 1024


@given(st.text(), st.text(), st.text(), st.none() | st.text(), st.none() | st.text(), st.booleans())
def test_an_alert_comes_through_the_queue_as_it_was_sent(  # noqa: PLR0913, PLR0917  # its parts
    headline: str,
    reason: str,
    fact: str,
    task_id: str | None,
    trace: str | None,
    is_kept: bool,  # noqa: FBT001
) -> None:
    alert = alert_of(
        headline=headline, reason=reason, facts={"Callback": fact}, task_id=task_id, trace=trace, is_kept=is_kept
    )

    body = encode_alert(alert)

    assert decode_alert(body) == alert
    assert not NOT_IN_SQS.search(body)


def test_an_alert_is_small_however_long_its_texts_are() -> None:
    long = "語" * 500_000

    alert = alert_of(headline=long, origin=long, task_id=long, reason=long, facts={"Callback": long}, trace=long)

    assert message_bytes(encode_alert(alert), {}) < LARGEST_BYTES


def test_no_credentials_are_in_an_alert() -> None:
    url = "https://user:s3cr3t@receiver/?token=s3cr3t"

    alert = alert_of(headline=url, reason=f"no {url}", facts={"Callback": url}, trace=f"at {url}")

    assert "s3cr3t" not in encode_alert(alert)
    assert alert.facts["Callback"] == "https://receiver/?token=…"


def test_the_same_failure_has_the_same_id_and_any_other_another() -> None:
    def id_of(headline: str = "failed", **message: Any) -> str:
        return make_alert(dead(**message), headline, origin="data", reason="no", facts={"Attempts": "1"}).alert_id

    assert id_of(receive_count=2) == id_of(receive_count=1)
    others = [id_of(), id_of("stuck"), id_of(message_id="other"), id_of(first_received_at=1)]
    assert len(set(others)) == len(others)


def test_the_same_failure_has_the_same_id_on_a_broker_that_gives_no_times() -> None:
    system = {"ApproximateReceiveCount": "1"}
    sent = {"MessageId": "id", "ReceiptHandle": "handle", "Body": "{}", "Attributes": system}

    first, again = (read_message(cast("Any", sent), "") for _ in range(2))

    ids = {
        make_alert(each, "failed", origin="data", reason="no", facts={"Attempts": "1"}).alert_id
        for each in (first, again)
    }
    assert ids == {"id failed"}


def test_a_log_line_has_all_of_it() -> None:
    alert = alert_of(facts={"Attempts": "3", "SQS message": "id"}, trace="in line 1")

    assert alert.as_log() == {
        "headline": "Task 1 (calculation) failed for good",
        "origin": "calculation",
        "task_id": "task-1",
        "reason": "ValueError: no",
        "attempts": "3",
        "sqs_message": "id",
        "trace": "in line 1",
    }


def test_a_fact_of_whatever_name_is_no_end_of_the_log() -> None:
    named = ("Event", "Self", "Method name", "Alerts in message")
    alert = alert_of(facts=dict.fromkeys(named, "mine"))

    with capture_logs() as logs:
        structlog.get_logger().error("alert", **alert.as_log())

    [line] = logs
    assert (line["event"], line["alerts_in_message"]) == ("alert", "mine")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"headline": ""},
        {"headline": 5},
        {"reason": "x" * 1_000_000},
        {"facts": {}},
        {"facts": {"": "x"}},
        {"facts": {str(number): "x" for number in range(11)}},
        {"raised_at": 1e300},
        {"raised_at": -1},
    ],
)
def test_what_no_watcher_has_sent_is_no_alert(change: dict[str, Any]) -> None:
    body = json.dumps({**json.loads(encode_alert(alert_of())), **change})

    with pytest.raises(UnusableMessageError, match=f"^the message is no alert: {next(iter(change))}"):
        decode_alert(body)


@pytest.mark.parametrize("body", ["", "garbage", "[]", "null", "{}", '{"version":1}'])
def test_garbage_is_no_alert(body: str) -> None:
    with pytest.raises(UnusableMessageError, match=r"^the message is no alert: "):
        decode_alert(body)


def test_how_to_redrive_is_a_command_to_copy() -> None:
    assert how_to_redrive("6bc37fc0-8d01", None) == (
        'look at it with `make dlq ARGS="show 6bc37fc0-8d01"`, redrive it with `make dlq ARGS="redrive 6bc37fc0-8d01"`'
    )


def test_the_command_is_for_the_queues_of_the_stack() -> None:
    assert how_to_redrive("6bc37fc0", "staging-") == (
        'look at it with `QUEUE_NAME_PREFIX=staging- make dlq ARGS="show 6bc37fc0"`,'
        ' redrive it with `QUEUE_NAME_PREFIX=staging- make dlq ARGS="redrive 6bc37fc0"`'
    )


@pytest.mark.parametrize("task_id", [None, "", "$(reboot)", 'a"b', "a b", "x" * 101, "a\n"])
def test_no_command_is_made_of_an_id_that_a_shell_would_read_otherwise(task_id: str | None) -> None:
    assert how_to_redrive(task_id, None) == 'look at it with `make dlq ARGS="list undelivered"`'


async def test_an_alert_names_its_stack_and_says_how_to_redrive_what_is_kept_there() -> None:
    sent: list[Alert] = []

    async def send(alert: Alert) -> None:
        sent.append(alert)

    for is_kept in (True, False):
        await of_stack("staging-", send)(alert_of(is_kept=is_kept))
    await of_stack("", send)(alert_of())

    kept, not_kept, other = sent
    assert (kept.stack, kept.facts["Next"]) == ("staging-", how_to_redrive("task-1", "staging-"))
    assert kept.as_log()["queue_name_prefix"] == "staging-"
    assert (not_kept.stack, "Next" in not_kept.facts) == ("staging-", False)
    assert (other.stack, "queue_name_prefix" in other.as_log()) == (None, False)


def test_an_alert_of_a_watcher_that_names_no_stack_is_read_and_a_field_of_a_later_one_is_passed_over() -> None:
    sent = json.loads(encode_alert(alert_of()))
    del sent["stack"]

    assert decode_alert(json.dumps(sent)).stack is None
    assert decode_alert(json.dumps({**sent, "later": 1})).headline == alert_of().headline


def test_an_alert_names_the_message_group_of_what_failed_where_it_has_one() -> None:
    grouped, alone = (
        make_alert(cause, "failed", origin="data", reason="no", facts={"Attempts": "1"})
        for cause in (dead(message_group_id="tenant-7"), dead())
    )

    assert grouped.facts == {"Message group ID": "tenant-7", "Attempts": "1"}
    assert grouped.as_log()["message_group_id"] == "tenant-7"
    assert alone.facts == {"Attempts": "1"}
