"""In which order a batch is begun: what kills the process takes no other along."""

from services.queueing.batch_order import order_of
from services.queueing.message import ReceivedMessage


def messages_of(*receive_counts: int) -> list[ReceivedMessage]:
    return [ReceivedMessage(str(n), "", "", count, 0, {}) for n, count in enumerate(receive_counts)]


def order(*receive_counts: int) -> tuple[list[list[str]], list[str]]:
    """The ids of a batch's rounds, and of what is given back, where all that came again are suspects, with 3 attempts.

    A negative count is that of a message of which is known why it came again.
    """
    known = {str(n) for n, count in enumerate(receive_counts) if count < 0}
    found = order_of(
        messages_of(*map(abs, receive_counts)),
        lambda message: message.receive_count > 1 and message.message_id not in known,
        lambda message: message.receive_count >= 3,
    )
    return [[each.message_id for each in together] for together in found.rounds], [
        each.message_id for each in found.given_back
    ]


def test_messages_that_came_for_the_first_time_are_begun_together() -> None:
    assert order(1, 1, 1) == ([["0", "1", "2"]], [])


def test_a_message_that_came_again_for_a_known_reason_is_begun_with_the_others() -> None:
    assert order(1, -2, -3) == ([["0", "1", "2"]], [])


def test_suspects_are_begun_one_by_one_behind_the_others() -> None:
    assert order(2, 1, 2, 1) == ([["1", "3"], ["0"], ["2"]], [])


def test_a_suspect_on_its_last_attempt_is_begun_alone_and_first_as_only_its_neighbours_have_further_ones() -> None:
    assert order(1, 3, 2) == ([["1"], ["0"], ["2"]], [])


def test_of_several_suspects_on_their_last_attempt_one_is_begun_and_the_others_are_given_back() -> None:
    assert order(3, 1, 3, 3) == ([["0"], ["1"]], ["2", "3"])


def test_an_empty_batch_has_nothing_to_begin() -> None:
    assert order() == ([], [])
