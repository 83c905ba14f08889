"""When `down` goes on to stop LocalStack: only when what it holds is saved, or it can hold nothing, or it is forced."""

from itertools import chain, repeat
from pathlib import Path

import pytest

from stack.broker.last_save import BrokerState, saving_problem, stop_and_save
from stack.brokers import FAUXQS, LOCALSTACK, MOTO, Broker
from stack.config import StackSettings
from stack.errors import StackError
from stack.ports import free_port
from tests.unit.stack.conftest import Serve

PAUSED = BrokerState("paused", "docker unpause it")
RUNNING = BrokerState("running")


class Stopping:
    """A `down` whose LocalStack goes through these states, and stays in the last."""

    def __init__(self, directory: Path, port: int, *states: BrokerState, broker: Broker = LOCALSTACK) -> None:
        self.said: list[str] = []
        self.are_consumers_stopped = False
        self._settings = StackSettings("native", localstack_port=port, directory=directory, broker=broker)
        self._states = iter(states)
        self._state = states[0]

    def run(self, *, force: bool = False) -> None:
        stop_and_save(self._settings, self._look, self._stop_consumers, self.said.append, force=force)

    def _look(self) -> BrokerState:
        self._state = next(self._states, self._state)
        return self._state

    def _stop_consumers(self) -> None:
        self.are_consumers_stopped = True


@pytest.fixture
def refusing_port(serve: Serve) -> int:
    """Of a LocalStack that is healthy, and refuses to say what it holds."""
    answers = chain([(200, {})], repeat((500, "no room")))
    return serve(lambda _request, _body: next(answers))


def test_nothing_is_stopped_where_localstack_is_paused(tmp_path: Path) -> None:
    stopping = Stopping(tmp_path, free_port(), PAUSED)

    with pytest.raises(StackError, match=r"LocalStack is paused: `docker unpause it`.*nothing was stopped.*FORCE=1"):
        stopping.run()

    assert not stopping.are_consumers_stopped


def test_a_localstack_that_runs_and_does_not_answer_in_time_is_a_problem_like_one_that_is_paused() -> None:
    settings = StackSettings("native", localstack_port=free_port())

    problem = saving_problem(settings, lambda: RUNNING, timeout_seconds=0.3)

    assert problem.startswith("LocalStack runs and does not answer: ")
    assert saving_problem(settings, lambda: PAUSED, timeout_seconds=0.3).startswith("LocalStack is paused: ")


def test_where_the_save_fails_the_consumers_are_stopped_and_localstack_is_not(
    tmp_path: Path, refusing_port: int
) -> None:
    stopping = Stopping(tmp_path, refusing_port, RUNNING)

    with pytest.raises(StackError, match=r"could not be saved \(.*no room.*LocalStack runs on.*FORCE=1"):
        stopping.run()

    assert stopping.are_consumers_stopped


@pytest.mark.parametrize("state", [PAUSED, RUNNING])
def test_force_goes_on_and_says_what_is_lost(tmp_path: Path, state: BrokerState) -> None:
    stopping = Stopping(tmp_path, free_port(), state)

    stopping.run(force=True)

    assert stopping.are_consumers_stopped
    assert "What could not be saved is lost (" in stopping.said[-1]


def test_a_localstack_that_has_ended_needs_no_force_and_its_loss_is_said(tmp_path: Path) -> None:
    stopping = Stopping(tmp_path, free_port(), BrokerState("ended"))

    stopping.run()

    assert stopping.said == ["LocalStack has ended: what was in its queues then is gone."]


def test_of_a_broker_that_keeps_its_messages_nothing_is_called_lost(tmp_path: Path) -> None:
    ended = Stopping(tmp_path, free_port(), BrokerState("ended"), broker=FAUXQS)
    silent = Stopping(tmp_path, free_port(), RUNNING, broker=FAUXQS)
    paused = Stopping(tmp_path, free_port(), PAUSED, broker=FAUXQS)

    ended.run()
    silent.run(force=True)
    with pytest.raises(StackError, match=r"FORCE=1` stops it all the same, and it keeps what is queued\."):
        paused.run()

    assert ended.said == ["fauxqs has ended: what was in its queues then is there again when fauxqs starts."]
    assert silent.said[-1].startswith("What is queued was not counted (")


def test_a_localstack_that_ends_again_and_again_needs_no_force(tmp_path: Path) -> None:
    stopping = Stopping(tmp_path, free_port(), RUNNING, RUNNING, BrokerState("ended"))

    stopping.run()

    assert stopping.are_consumers_stopped


def test_of_a_localstack_that_never_started_nothing_is_said(tmp_path: Path) -> None:
    stopping = Stopping(tmp_path, free_port(), BrokerState("never started"))

    stopping.run()

    assert stopping.said == []


def test_a_broker_that_is_none_is_a_line_and_no_traceback(serve: Serve) -> None:
    settings = StackSettings("native", localstack_port=serve(lambda _request, _body: (200, "<html>")), broker=MOTO)

    assert "moto answers ListQueues as SQS does not" in saving_problem(settings, lambda: RUNNING, timeout_seconds=0)
