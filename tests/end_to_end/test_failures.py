"""Tasks that fail for good: tried as often as their type says, then reported with the reason."""

from datetime import datetime
from itertools import pairwise

from tests.end_to_end.client import Client

UNRELIABLE = "/v1/tests/unreliable"
SINGLE_ATTEMPT = "/v1/tests/single-attempt"


def attempts_of(client: Client, probe_id: str) -> list[int]:
    return [probe["body"]["attempt"] for probe in client.deliveries(probe_id)]


def test_a_task_that_fails_twice_succeeds_on_its_third_attempt_each_later_by_the_retry_delay_which_doubles(
    unreliable: Client,
) -> None:
    item = unreliable.unreliable_item(fail_attempts=2)
    outcome = unreliable.outcome(unreliable.submit(UNRELIABLE, [item]))
    assert outcome["results"] == [{"it": 3}]
    assert attempts_of(unreliable, item["probe_id"]) == [1, 2, 3]
    times = [datetime.fromisoformat(probe["received_at"]) for probe in unreliable.deliveries(item["probe_id"])]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    # 1 s and 2 s, each up to 20 % shorter, in whole seconds: SQS never shows a message earlier than asked.
    assert gaps[0] >= 0.9
    assert gaps[1] >= 1.9


def test_a_task_that_always_fails_is_tried_three_times_and_reported(unreliable: Client) -> None:
    item = unreliable.unreliable_item(fail_attempts=99)
    task_id = unreliable.submit(UNRELIABLE, [item])
    outcome = unreliable.outcome(task_id)
    assert attempts_of(unreliable, item["probe_id"]) == [1, 2, 3]
    assert outcome["results"] == []
    assert outcome["task_id"] == task_id
    (error,) = outcome["errors"]
    assert "RuntimeError: attempt 3 fails on purpose" in error["details"]
    assert "3 attempts" in error["details"]
    assert error["message"] == {"callback_url": unreliable.callback_url, "message": [item]}


def test_a_task_of_a_single_attempt_is_tried_once_and_reported_to_its_callback_and_to_a_person(
    unreliable: Client,
) -> None:
    item = unreliable.unreliable_item(fail_attempts=99)
    task_id = unreliable.submit(SINGLE_ATTEMPT, [item])
    assert "1 attempt)" in unreliable.outcome(task_id)["errors"][0]["details"]
    assert attempts_of(unreliable, item["probe_id"]) == [1]
    alert = unreliable.wait_for_alert(task_id)
    assert "single-attempt" in str(alert)
    assert "attempt 1 fails on purpose" in str(alert["blocks"])


def test_a_failure_callback_is_signed_and_repeated_like_any_other(unreliable: Client) -> None:
    callback_url = f"{unreliable.callback_url}?status=503&times=4"
    task_id = unreliable.submit(SINGLE_ATTEMPT, [unreliable.unreliable_item(fail_attempts=99)], callback_url)
    deliveries = unreliable.wait_for_deliveries(task_id, 5)
    assert [each["status"] for each in deliveries] == [503] * 4 + [200]
    assert {each["signature"]["verdict"] for each in deliveries} == {"valid"}
    assert {each["headers"]["webhook-id"] for each in deliveries} == {task_id}
