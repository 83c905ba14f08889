"""Chooses among dead messages: those that match, or the one of an id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.dead_letters.dead_message import DeadMessage
from services.dead_letters.errors import NotOneMessageError

SHORTEST_PREFIX = 4
_MOST_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a message must be to be chosen; what is None is not asked."""

    reason: str | None = None
    """A part of the reason, in whatever case."""
    task_type: str | None = None
    older_than_seconds: float | None = None

    def match(self, dead_message: DeadMessage, now: float) -> bool:
        """Return whether all that is asked is true of the message."""
        if self.reason is not None and self.reason.casefold() not in dead_message.reason.casefold():
            return False
        if self.task_type is not None and dead_message.task_type != self.task_type:
            return False
        return self.older_than_seconds is None or now - dead_message.sent_at >= self.older_than_seconds

    def __bool__(self) -> bool:
        return self != Criteria()


def has_id(dead_message: DeadMessage, wanted: str) -> bool:
    """Return whether a task id (which is the webhook id) or an SQS message id is the one wanted, or begins with it."""
    can_be_prefix = len(wanted) >= SHORTEST_PREFIX
    return any(each == wanted or (can_be_prefix and each.startswith(wanted)) for each in _ids(dead_message))


def sole_match(dead_messages: Iterable[DeadMessage], wanted: str) -> DeadMessage:
    """Return the message of that id, among those that have it or begin with it.

    Raises NotOneMessageError, which says what to give instead, where there is none or more than one.
    """
    found = list(dead_messages)
    exact = [dead_message for dead_message in found if wanted in _ids(dead_message)]
    match exact or found:
        case []:
            raise NotOneMessageError(
                f"No message has the id {wanted}, nor one that begins with it ({SHORTEST_PREFIX} characters at least):"
                " `list` shows what there is. What the DLQ watcher has in flight cannot be seen."
            )
        case [dead_message]:
            return dead_message
        case several:
            raise NotOneMessageError(
                f"{wanted} could be {len(several)} messages, give the SQS id of one: {_named(several)}"
            )


def sole_matches(
    dead_messages: Iterable[DeadMessage], wanted_ids: Iterable[str]
) -> tuple[list[DeadMessage], list[str]]:
    """Return the messages of these ids, each once, and for every id that is not clear a line that says why.

    Raises NotOneMessageError where none is clear.
    """
    found = list(dead_messages)
    matches: dict[DeadMessage, None] = {}
    unclear: list[str] = []
    for wanted in wanted_ids:
        try:
            matches[sole_match((dead_message for dead_message in found if has_id(dead_message, wanted)), wanted)] = None
        except NotOneMessageError as error:
            unclear.append(str(error))
    if not matches and unclear:
        raise NotOneMessageError("\n".join(unclear))
    return list(matches), unclear


def _ids(dead_message: DeadMessage) -> tuple[str, ...]:
    return tuple(each for each in (dead_message.task_id, dead_message.message_id) if each)


def _named(dead_messages: Sequence[DeadMessage]) -> str:
    names = [
        f"{dead_message.message_id} in {dead_message.queue} (task {dead_message.task_id})"
        for dead_message in dead_messages[:_MOST_CANDIDATES]
    ]
    return ", ".join([*names, "…"] if len(dead_messages) > len(names) else names)
