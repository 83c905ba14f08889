"""What is said of queues that were made anew."""

import pytest

from services.queueing.recreated_queues import RecreatedQueue, count_what_is_gone, describe


def anew(queue: str, held: int) -> RecreatedQueue:
    return RecreatedQueue(queue, 2000, held, 1990)


@pytest.mark.parametrize(
    ("queues", "text"),
    [
        (
            [anew("data", 2), anew("callbacks", 0), anew("undelivered", 355)],
            "3 queues were made anew; what was in there is gone: 355 messages in undelivered, 2 in data, as last seen",
        ),
        ([anew("data", 1)], "the queue data was made anew; what was in there is gone: 1 message in data, as last seen"),
        ([anew("data", 0)], "the queue data was made anew; nothing was in there, as last seen"),
    ],
)
def test_it_says_which_and_what_they_held(queues: list[RecreatedQueue], text: str) -> None:
    assert describe(queues) == text


def test_what_is_gone_is_counted_over_all() -> None:
    assert count_what_is_gone([anew("callbacks", 2), anew("data", 0), anew("undelivered", 355)]) == 357
