"""For how long a look hides what it looks at, and what it gives back."""

import pytest

from services.dead_letters.browse import Walked, hiding_seconds, walk
from services.queueing.errors import UnusableBrokerError
from services.queueing.message import ReceivedMessage
from tests.service_fixtures import Serve
from tests.unit.services.queueing.test_message_reader import Answers, message, queue_of


@pytest.mark.parametrize(("messages", "seconds"), [(0, 60), (10, 60), (10_000, 560), (10**9, 43_200)])
def test_messages_are_hidden_for_longer_than_a_slow_walk_takes_and_than_sqs_allows_at_the_most(
    messages: int, seconds: int
) -> None:
    assert hiding_seconds(messages) == seconds


async def look(broker: Answers, serve: Serve) -> tuple[Walked, list[str]]:
    visited: list[str] = []

    async def visit(received: ReceivedMessage) -> bool:
        visited.append(received.message_id)
        return False

    async with queue_of(serve, broker.answer) as queue:
        return await walk(queue, len(broker.received), visit, lambda: False), visited


async def test_what_a_look_cannot_read_is_given_back_with_the_rest_where_it_has_a_handle(serve: Serve) -> None:
    broker = Answers([message(1), message(2, Body=None), message(3, MessageId=None), message(4, ReceiptHandle=None)])

    walked, visited = await look(broker, serve)

    assert visited == ["1"]
    assert sorted(broker.given_back) == ["handle 1", "handle 2", "handle 3"]
    assert walked == Walked(visited=4, given_back=4)


async def test_what_a_broker_that_cannot_be_used_has_given_is_given_back(serve: Serve) -> None:
    broker = Answers([message(number, Attributes=None) for number in range(2)])

    with pytest.raises(UnusableBrokerError):
        await look(broker, serve)

    assert sorted(broker.given_back) == ["handle 0", "handle 1"]
