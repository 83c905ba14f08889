"""What is read at the end: the receiver's database, whether it runs or not, and the logs."""

from datetime import datetime
from pathlib import Path

from receiver.store import NewDelivery, open_store
from tests.chaos.evidence import read_deliveries, read_logged_alerts, read_slack_messages, traces_of

NEW = NewDelivery(task_id="t", headers=[], raw_body=b'{"a": 1}', verdict="valid", reason=None, outcome=None)


async def test_deliveries_are_read_while_the_receiver_has_the_database_open(tmp_path: Path) -> None:
    database = tmp_path / "receiver.sqlite3"
    async with open_store(database) as store:
        stored = await store.add_delivery(NEW, status=200)
        (read,) = read_deliveries(database)
    assert (read.task_id, read.raw_body, read.verdict) == ("t", b'{"a": 1}', "valid")
    assert (read.id, read.received_at) == (stored.id, datetime.fromisoformat(stored.received_at).timestamp())


async def test_a_2xx_was_taken_whatever_became_of_the_answers_body(tmp_path: Path) -> None:
    database = tmp_path / "receiver.sqlite3"
    async with open_store(database) as store:
        await store.add_delivery(NEW, status=204)
        await store.add_delivery(NEW, status=200, fault="close")
        await store.add_delivery(NEW, status=200, fault="drip")
    assert all(delivery.was_taken for delivery in read_deliveries(database))


async def test_what_was_refused_or_never_answered_was_not_taken(tmp_path: Path) -> None:
    database = tmp_path / "receiver.sqlite3"
    async with open_store(database) as store:
        await store.add_delivery(NEW, status=302)
        await store.add_delivery(NEW, status=503)
        await store.add_delivery(NEW, status=200, fault="hang")
    assert not any(delivery.was_taken for delivery in read_deliveries(database))


async def test_deliveries_can_be_read_from_where_one_has_come(tmp_path: Path) -> None:
    database = tmp_path / "receiver.sqlite3"
    async with open_store(database) as store:
        first, second = [await store.add_delivery(NEW, status=200) for _ in range(2)]
    assert [delivery.id for delivery in read_deliveries(database, after_id=first.id)] == [second.id]


async def test_slack_messages_are_read_in_their_order(tmp_path: Path) -> None:
    database = tmp_path / "receiver.sqlite3"
    async with open_store(database) as store:
        for text in ("one", "two"):
            await store.add_slack_message({"text": text})
    assert read_slack_messages(database) == ['{"text": "one"}', '{"text": "two"}']


def test_logged_alerts_are_those_of_the_given_logs_rotated_ones_included(tmp_path: Path) -> None:
    alert, other = '{"headline": "h", "event": "alert posted"}', '{"event": "started"}'
    (tmp_path / "dlq-watcher.log").write_text(f"{other}\n{alert}\n")
    (tmp_path / "dlq-watcher.log.1").write_text(f"{alert}\n")
    (tmp_path / "worker-data.log").write_text(f"{alert}\n")
    assert read_logged_alerts(tmp_path, ["dlq-watcher"]) == [alert, alert]


def test_the_last_trace_of_a_task_is_its_last_line_in_each_log(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("task-1 begins\ntask-2 begins\ntask-1 ends\n")
    (tmp_path / "b.log").write_text("task-2 begins\n")
    assert list(traces_of("task-1", tmp_path)) == ["a.log: task-1 ends"]
