"""The limit of open files: every connection is one, and many systems allow 1024 to a process that asks for no more."""

import resource

from services.settings import refuse_to_start

# What a program has open besides: its queues and logs, health checks, the modules of its libraries.
_OTHERS = 256


def allow_connections(most: int) -> None:
    """Raise the limit of open files (setrlimit(2), RLIMIT_NOFILE) to what so many connections at a time need.

    As many again may be idle for a moment, kept for the next request. Ends the program with one line where the hard
    limit does not even allow those that are in use.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = most + _OTHERS
    if _is_less(hard, needed):
        lower = (
            "" if hard <= _OTHERS else "lower it or the task type's item_concurrency (DATA_CONCURRENCY for data), or "
        )
        refuse_to_start(
            f"WORKER_CONCURRENCY: {most} connections at a time need {needed} open files, and {hard} are allowed:"
            f" {lower}raise the limit (ulimit -Hn)"
        )
    wanted = hard if _is_less(hard, needed + most) else needed + most
    if _is_less(soft, wanted):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _is_less(limit: int, number: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < number
