"""Remembers what has been seen, in bounded memory."""


class RecentIds:
    """The last 10 000 ids that were added."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._ids: dict[str, None] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids

    def add(self, id_: str) -> None:
        """Remember the id, and forget the oldest one where there are too many."""
        self._ids[id_] = None
        if len(self._ids) > self._most:
            del self._ids[next(iter(self._ids))]
