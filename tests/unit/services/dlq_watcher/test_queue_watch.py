"""Queues that were made anew are one alert, all together, when all of them are there again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from services.dlq_watcher.alert import Alert
from services.dlq_watcher.queue_watch import QueueWatch
from services.queueing.recreated_queues import RecreatedQueue
from services.queueing.samples import QueueSample, QueueSampler

SILENT = ValueError("there is no such queue")
THERE = QueueSample(at=2, waiting=0, in_flight=0, delayed=0, first_at=1, last_empty_at=None)
CALLBACKS, UNDELIVERED = RecreatedQueue("callbacks", 2000, 0, 1990), RecreatedQueue("undelivered", 2001, 355, 1990)


@dataclass
class Looks:
    """What the sampler sees."""

    answers: Mapping[str, QueueSample | Exception] = field(default_factory=lambda: {"data": THERE})
    recreated: list[RecreatedQueue] = field(default_factory=list)

    async def sample(self) -> Mapping[str, QueueSample | Exception]:
        return self.answers


@dataclass
class Person:
    """Who is notified."""

    heard: list[Alert] = field(default_factory=list)
    error: Exception | None = None

    async def hear(self, alert: Alert) -> None:
        if self.error:
            raise self.error
        self.heard.append(alert)


def watch_of(looks: Looks, person: Person, patience_seconds: float = 60) -> QueueWatch:
    return QueueWatch(cast("QueueSampler", looks), person.hear, patience_seconds=patience_seconds)


async def test_all_that_were_made_anew_are_one_alert_raised_once() -> None:
    looks, person = Looks(), Person()
    watch = watch_of(looks, person)
    await watch.look()
    assert person.heard == []

    looks.recreated = [CALLBACKS, UNDELIVERED]
    for _ in range(3):
        await watch.look()

    [alert] = person.heard
    assert alert.headline == (
        "2 queues were made anew; what was in there is gone: 355 messages in undelivered, as last seen"
    )
    assert alert.facts["Made"] == "1970-01-01 00:33:21 UTC"
    assert "post again" in alert.facts["Next"]


async def test_while_some_do_not_answer_it_waits_for_them() -> None:
    looks, person = Looks({"data": THERE, "undelivered": SILENT}, [CALLBACKS]), Person()
    watch = watch_of(looks, person)
    for _ in range(3):
        await watch.look()
    assert person.heard == []

    looks.answers, looks.recreated = {"data": THERE, "undelivered": THERE}, [CALLBACKS, UNDELIVERED]
    await watch.look()

    assert [alert.headline.split(";")[0] for alert in person.heard] == ["2 queues were made anew"]


async def test_a_queue_that_stays_away_does_not_hold_the_news_up_for_long() -> None:
    looks, person = Looks({"data": THERE, "retired": SILENT}, [CALLBACKS]), Person()

    await watch_of(looks, person, patience_seconds=0).look()

    assert len(person.heard) == 1


async def test_an_alert_that_could_not_be_sent_is_sent_at_the_next_look() -> None:
    looks, person = Looks(recreated=[UNDELIVERED]), Person(error=ValueError("no such queue"))
    watch = watch_of(looks, person)
    await watch.look()

    person.error = None
    await watch.look()

    assert len(person.heard) == 1


async def test_two_watchers_report_it_by_the_same_id_so_that_it_is_posted_once() -> None:
    person = Person()

    for held in (355, 354):
        await watch_of(Looks(recreated=[CALLBACKS, replace(UNDELIVERED, held=held)]), person).look()

    assert len({alert.alert_id for alert in person.heard}) == 1


async def test_what_held_nothing_needs_nothing() -> None:
    person = Person()

    await watch_of(Looks(recreated=[CALLBACKS]), person).look()

    assert person.heard[0].facts["Next"].startswith("nothing")
