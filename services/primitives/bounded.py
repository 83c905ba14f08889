"""Memory of what was lately, which no load can make endless."""

from collections import OrderedDict
from typing import TypeVar

from typing_extensions import override

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class BoundedMap(OrderedDict[KeyT, ValueT]):
    """Keeps the last so many entries: one that is set is the newest, and where there are too many the oldest goes."""

    def __init__(self, most: int = 10_000) -> None:
        super().__init__()
        self._most = most

    @override
    def __setitem__(self, key: KeyT, value: ValueT) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)
