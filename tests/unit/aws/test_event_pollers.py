"""Which event source mappings poll, and which have a batch worked, by the threads that LocalStack has for them."""

import threading

from event_pollers import EventPollers

MAPPING = "0f1e2d3c-0000-4000-8000-000000000001"


class Poller:
    """A thread as LocalStack has one: it polls until it has a batch, works that, and ends."""

    def __init__(self, pollers: EventPollers) -> None:
        self.has_batch, self.works, self.may_end = (threading.Event() for _ in range(3))
        self._work = pollers.noting(self._works_a_batch)
        self.thread = threading.Thread(target=self._run, name=f"event-source-mapping-poller-{MAPPING}-functhread12")
        self.thread.start()

    def _run(self) -> None:
        self.has_batch.wait()
        self._work("batch")

    def _works_a_batch(self, batch: str) -> str:
        self.works.set()
        self.may_end.wait()
        return batch


def test_a_mapping_polls_for_as_long_as_its_thread_lives_and_works_while_it_has_a_batch() -> None:
    pollers = EventPollers()
    poller = Poller(pollers)
    assert pollers.state() == {"polling": [MAPPING], "working": []}
    poller.has_batch.set()
    poller.works.wait()
    assert pollers.state() == {"polling": [MAPPING], "working": [MAPPING]}
    poller.may_end.set()
    poller.thread.join()
    assert pollers.state() == {"polling": [], "working": []}


def test_a_batch_that_fails_is_no_longer_worked_and_its_error_goes_on() -> None:
    pollers = EventPollers()
    raised: list[ZeroDivisionError] = []

    def work() -> None:
        try:
            pollers.noting(lambda: 1 // 0)()
        except ZeroDivisionError as error:
            raised.append(error)

    thread = threading.Thread(target=work, name=f"event-source-mapping-poller-{MAPPING}-functhread12")
    thread.start()
    thread.join()
    assert len(raised) == 1
    assert pollers.state()["working"] == []
