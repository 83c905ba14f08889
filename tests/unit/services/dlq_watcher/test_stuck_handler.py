"""A dead message that cannot be reported is not tried again in silence for ever."""

import pytest

from services.dlq_watcher.alert import Alert
from services.dlq_watcher.stuck_handler import RECEIVES_BEFORE_ALERT, StuckHandler
from services.errors import PermanentError, RetryLaterError
from services.messages import encode_task
from services.queueing.message import ReceivedMessage
from tests.unit.services.dlq_watcher.conftest import dead

TASK = encode_task("task-1", "data", '{"callback_url":"http://receiver","message":[]}')


class Watcher:
    """A handler that fails as it is set to, and what a person hears of it."""

    def __init__(self, error: Exception | None) -> None:
        self.alerts: list[Alert] = []
        self.unreachable = False
        self._error = error
        self._handler = StuckHandler(self._fail, "data", self._notify)

    async def receive(self, count: int, message_id: str = "id") -> None:
        await self._handler(dead(TASK, message_id=message_id, receive_count=count))

    async def _fail(self, _message: ReceivedMessage) -> None:
        if self._error:
            raise self._error

    async def _notify(self, alert: Alert) -> None:
        if self.unreachable:
            raise ConnectionError("SQS is gone")
        self.alerts.append(alert)


async def test_an_unexpected_error_that_stays_is_reported_once_with_its_trace() -> None:
    watcher = Watcher(ConnectionError("SQS is gone"))

    for count in range(1, RECEIVES_BEFORE_ALERT + 3):
        with pytest.raises(ConnectionError):
            await watcher.receive(count)
        assert len(watcher.alerts) == (count >= RECEIVES_BEFORE_ALERT)

    [alert] = watcher.alerts
    assert alert.headline == "A dead message of the queue data cannot be reported; it is tried again until it can be"
    assert (alert.reason, alert.task_id, alert.is_kept) == ("ConnectionError: SQS is gone", "task-1", False)
    assert alert.trace is not None
    assert alert.trace.endswith("ConnectionError: SQS is gone\n")


async def test_each_message_has_its_alert() -> None:
    watcher = Watcher(ConnectionError("SQS is gone"))

    for message_id in ("first", "second"):
        with pytest.raises(ConnectionError):
            await watcher.receive(RECEIVES_BEFORE_ALERT, message_id)

    assert [alert.facts["SQS message"] for alert in watcher.alerts] == ["first", "second"]


async def test_an_alert_that_could_not_be_sent_is_sent_at_the_next_receive() -> None:
    watcher = Watcher(ValueError("no"))
    watcher.unreachable = True
    with pytest.raises(ConnectionError):
        await watcher.receive(RECEIVES_BEFORE_ALERT)

    watcher.unreachable = False
    with pytest.raises(ValueError, match="no"):
        await watcher.receive(RECEIVES_BEFORE_ALERT + 1)

    assert [alert.reason for alert in watcher.alerts] == ["ValueError: no"]


@pytest.mark.parametrize("error", [None, PermanentError("no"), RetryLaterError("later")])
async def test_what_was_decided_needs_no_alert(error: Exception | None) -> None:
    watcher = Watcher(error)

    if error is None:
        await watcher.receive(RECEIVES_BEFORE_ALERT)
    else:
        with pytest.raises(type(error)):
            await watcher.receive(RECEIVES_BEFORE_ALERT)

    assert watcher.alerts == []
