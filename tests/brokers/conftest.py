"""Each broker is run and probed once, for all tests."""

import pytest

from stack.brokers import BROKERS, Broker
from tests.brokers.seen import Seen, look_at


@pytest.fixture(scope="session", params=BROKERS.values(), ids=lambda broker: broker.name)
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each in its turn."""
    asked: Broker = request.param
    return asked


@pytest.fixture(scope="session")
def seen(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What every probe says of it."""
    return look_at(broker, tmp_path_factory.mktemp(broker.name))
