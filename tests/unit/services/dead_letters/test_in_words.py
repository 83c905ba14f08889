"""How dead messages are spoken of."""

from collections import Counter

from services.dead_letters.in_words import in_flight_notes, routes_text
from services.queueing.queue import QueueState


def test_what_is_in_flight_is_said_so_that_nothing_to_see_is_no_lie() -> None:
    states = {"calculation-dlq": QueueState("arn", 0, 2, 0), "undelivered": QueueState("arn", 5, 0, 0)}

    [note] = in_flight_notes(states)

    assert note.startswith("2 messages of calculation-dlq cannot be seen")


def test_routes_are_named_with_their_numbers() -> None:
    routes = Counter({("undelivered", "callbacks"): 1200, ("data-dlq", "data"): 1, ("undelivered", "data"): 0})
    assert routes_text(routes) == "1 from data-dlq to data, 1,200 from undelivered to callbacks"
