"""How a message of the queue `alerts` is worked."""

import pytest

from services.dlq_watcher.alert import Alert, encode_alert
from services.dlq_watcher.alert_handler import AlertHandler
from services.messages import UnusableMessageError
from services.telemetry import log_context
from tests.unit.services.dlq_watcher.conftest import alert_of, dead


class Person:
    """Notes the alerts that come."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    async def notify(self, alert: Alert) -> None:
        self.alerts.append(alert)


async def test_a_person_is_notified_of_the_alert() -> None:
    person = Person()

    await AlertHandler(person.notify)(dead(encode_alert(alert_of())))

    assert [alert.headline for alert in person.alerts] == ["Task 1 (calculation) failed for good"]
    assert log_context.bound()["task_id"] == alert_of().task_id


async def test_a_person_is_notified_of_what_is_no_alert_before_it_is_kept_in_undelivered() -> None:
    person = Person()

    with pytest.raises(UnusableMessageError, match="the message is no alert"):
        await AlertHandler(person.notify)(dead("garbage"))

    [alert] = person.alerts
    assert alert.headline == "A message of the queue alerts is no alert; it is kept in undelivered"
    assert alert.is_kept
    assert alert.facts["SQS message"] == "id"
