"""What was seen lately is remembered, in bounded memory."""

from services.dlq_watcher.recent_ids import RecentIds


def test_the_last_ids_are_remembered_and_the_oldest_forgotten() -> None:
    seen = RecentIds(most=2)

    for id_ in "abbc":
        seen.add(id_)

    assert [id_ in seen for id_ in "abcd"] == [False, True, True, False]
