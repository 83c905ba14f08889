"""Chooses among dead messages: those that match, or the one that is meant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.dead_letters.dead_message import DeadLetter
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

    def match(self, letter: DeadLetter, now: float) -> bool:
        """Tell whether all that is asked is true of the message."""
        if self.reason is not None and self.reason.casefold() not in letter.reason.casefold():
            return False
        if self.task_type is not None and letter.task_type != self.task_type:
            return False
        return self.older_than_seconds is None or now - letter.sent_at >= self.older_than_seconds

    def __bool__(self) -> bool:
        return self != Criteria()


def has_id(letter: DeadLetter, wanted: str) -> bool:
    """Tell whether a task id (which is the webhook id) or an SQS message id is the one wanted, or begins with it."""
    can_be_prefix = len(wanted) >= SHORTEST_PREFIX
    return any(each == wanted or (can_be_prefix and each.startswith(wanted)) for each in _ids(letter))


def the_one_meant(letters: Iterable[DeadLetter], wanted: str) -> DeadLetter:
    """Return the message of that id, among those that have it or begin with it.

    Raises NotOneMessageError, which says what to give instead, where there is none or more than one.
    """
    found = list(letters)
    exact = [letter for letter in found if wanted in _ids(letter)]
    match exact or found:
        case []:
            raise NotOneMessageError(
                f"No message has the id {wanted}, nor one that begins with it ({SHORTEST_PREFIX} characters at least):"
                " `list` shows what there is. What the DLQ watcher has in flight cannot be seen."
            )
        case [letter]:
            return letter
        case several:
            raise NotOneMessageError(
                f"{wanted} could be {len(several)} messages, give the SQS id of one: {_named(several)}"
            )


def those_meant(letters: Iterable[DeadLetter], wanted_ids: Iterable[str]) -> tuple[list[DeadLetter], list[str]]:
    """Return the messages of these ids, each once, and for every id that is not clear a line that says why.

    Raises NotOneMessageError where none is clear.
    """
    found = list(letters)
    meant: dict[DeadLetter, None] = {}
    unclear: list[str] = []
    for wanted in wanted_ids:
        try:
            meant[the_one_meant((letter for letter in found if has_id(letter, wanted)), wanted)] = None
        except NotOneMessageError as error:
            unclear.append(str(error))
    if not meant and unclear:
        raise NotOneMessageError("\n".join(unclear))
    return list(meant), unclear


def _ids(letter: DeadLetter) -> tuple[str, ...]:
    return tuple(each for each in (letter.task_id, letter.message_id) if each)


def _named(letters: Sequence[DeadLetter]) -> str:
    names = [f"{letter.message_id} in {letter.queue} (task {letter.task_id})" for letter in letters[:_MOST_CANDIDATES]]
    return ", ".join([*names, "…"] if len(letters) > len(names) else names)
