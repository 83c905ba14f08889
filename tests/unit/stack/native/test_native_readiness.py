"""What supervisord knows of a process that is waited for."""

import pytest

from stack.native.stack import known_readiness
from stack.native.supervisor import Process


@pytest.mark.parametrize("state", ["STARTING", "RUNNING"])
def test_one_that_runs_is_to_be_asked(state: str) -> None:
    assert known_readiness(Process("api", state, 42, 1), 42) is None


@pytest.mark.parametrize("state", ["BACKOFF", "EXITED", "FATAL"])
def test_one_that_exits_has_failed(state: str) -> None:
    known = known_readiness(Process("api", state, None, None), None)

    assert known is not None
    assert known.verdict == "failed"


def test_one_that_has_been_started_again_since_has_failed() -> None:
    known = known_readiness(Process("api", "RUNNING", 43, 1), 42)

    assert known is not None
    assert known.verdict == "failed"
    assert "make logs SERVICE=api" in known.reason
