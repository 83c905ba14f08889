"""The limit of open files: every connection is one, and many systems allow 1024 to a process that asks for no more."""

import resource

from services.settings import refuse_to_start

# What a program has open besides: its logs, health checks, the modules of its libraries.
_OTHERS = 128


def allow_connections(most: int, to_sqs: int) -> None:
    """Raise the limit of open files (setrlimit(2), RLIMIT_NOFILE) to what so many connections at a time need.

    `most` are those to users' addresses, which the settings decide, `to_sqs` those to SQS, which the queues do.
    As many again may be idle for a moment, kept for the next request. Ends the program with one line where the hard
    limit does not even allow those that are in use.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = most + to_sqs + _OTHERS
    if _is_less(hard, needed):
        remedy = "lower it or the task type's item_concurrency (DATA_CONCURRENCY for data), or "
        lower = "" if hard <= to_sqs + _OTHERS else remedy
        refuse_to_start(
            f"WORKER_CONCURRENCY: {most} connections at a time, and {to_sqs} to SQS, need {needed} open files, and"
            f" {hard} are allowed: {lower}raise the limit (ulimit -Hn)"
        )
    with_idle = needed + most + to_sqs
    wanted = hard if _is_less(hard, with_idle) else with_idle
    if _is_less(soft, wanted):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _is_less(limit: int, number: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < number
