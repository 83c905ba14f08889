"""For how long a look hides what it looks at."""

import pytest

from services.dead_letters.browse import hiding_seconds


@pytest.mark.parametrize(("messages", "seconds"), [(0, 60), (10, 60), (10_000, 560), (10**9, 43_200)])
def test_messages_are_hidden_for_longer_than_a_slow_walk_takes_and_than_sqs_allows_at_the_most(
    messages: int, seconds: int
) -> None:
    assert hiding_seconds(messages) == seconds
