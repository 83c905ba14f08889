"""Which event source mappings poll, and which have a batch worked: LocalStack's own word for their states is not right.

It calls one Disabled while its last batch is still worked, and, once that is done, though it was enabled again since.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

ParametersT = ParamSpec("ParametersT")
ResultT = TypeVar("ResultT")

# So LocalStack names the thread of each, which ends some time after the mapping is disabled: it ends its poll first.
_THREAD = "event-source-mapping-poller-"


class EventPollers:
    """The threads that poll queues, and which of them have a batch worked."""

    def __init__(self) -> None:
        self._working: set[threading.Thread] = set()

    def noting(self, work: Callable[ParametersT, ResultT]) -> Callable[ParametersT, ResultT]:
        """Return what works a batch in the thread that has polled it, and is noted meanwhile."""

        @wraps(work)
        def noted(*arguments: ParametersT.args, **named: ParametersT.kwargs) -> ResultT:
            thread = threading.current_thread()
            self._working.add(thread)
            try:
                return work(*arguments, **named)
            finally:
                self._working.discard(thread)

        return noted

    def state(self) -> dict[str, list[str]]:
        """Return the UUIDs of the mappings that poll, and of those of them that have a batch worked."""
        return {"polling": _mappings(threading.enumerate()), "working": _mappings(list(self._working))}


def _mappings(threads: list[threading.Thread]) -> list[str]:
    names = [thread.name for thread in threads if thread.name.startswith(_THREAD)]
    # A number stands behind it.
    return sorted({name.removeprefix(_THREAD).rpartition("-")[0] for name in names})
