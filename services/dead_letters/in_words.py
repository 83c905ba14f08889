"""Dead messages and what holds them in words, for a terminal, a page and a log. Pure."""

from collections import Counter
from collections.abc import Mapping

from services.dead_letters.plan import Route
from services.queueing.queue import QueueState


def count(number: int, noun: str = "message") -> str:
    """Return `1 message`, `2 messages`, `1,000 messages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def routes_text(routes: Counter[Route]) -> str:
    """Return how many messages go, or went, from which queue to which."""
    return ", ".join(f"{number:,} from {source} to {to}" for (source, to), number in sorted(routes.items()) if number)


def in_flight_notes(states: Mapping[str, QueueState]) -> list[str]:
    """Say of each queue what cannot be seen in it, so that nothing to see is never a lie."""
    return [
        f"{count(state.in_flight)} of {name} cannot be seen: in flight, in the hands of the DLQ watcher or of another"
        " command, or hidden for a while by one that was killed."
        for name, state in states.items()
        if state.in_flight
    ]


def unclaimed_notes(states: Mapping[str, QueueState]) -> list[str]:
    """Say which queues of the stack no task type claims, and what they hold."""
    if not states:
        return []
    held = ", ".join(
        f"{name} ({count(state.messages + state.in_flight + state.delayed)})" for name, state in states.items()
    )
    note = (
        f"No task type claims {held}: nobody works what is in them, nor reports it, and SQS drops it in the end."
        " Put the task type back until they are empty, then delete them (docs/adding-a-task-type.md)."
    )
    return [note]
