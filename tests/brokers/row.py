"""A row of the table: what is asked of a broker, how, and what AWS writes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.brokers.running import Subject

REFERENCE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_{}.html"
GUIDE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/{}.html"

Probe = Callable[[Subject], str]
"""Asks a broker, with queues of its own; returns the text of the cell."""


@dataclass(frozen=True)
class Documented:
    """What AWS writes, as it was read; nobody has seen it here."""

    text: str
    url: str
    """Where; of what is not documented, where it would be."""


def reference(operation: str, text: str = "not documented") -> Documented:
    """What the API reference says of an operation or a data type."""
    return Documented(text, REFERENCE.format(operation))


def guide(page: str, text: str = "not documented") -> Documented:
    """What a page of the developer guide says."""
    return Documented(text, GUIDE.format(page))


@dataclass(frozen=True)
class Row:
    """One thing in which brokers differ, or could."""

    title: str
    probe: Probe
    aws: Documented | None
    """None where it is a question of a process of this machine alone."""
    is_alone: bool = False
    """Whether no other probe may run meanwhile, as it restarts the broker, or measures."""
    is_measured: bool = False
    """Whether it is a measurement, which says something of the machine too: then no test compares it."""

    @property
    def heading(self) -> str:
        """What stands in the document before its cells."""
        return f"{self.title} (measured)" if self.is_measured else self.title


@dataclass(frozen=True)
class Section:
    """Rows that belong together, under a heading."""

    title: str
    rows: Sequence[Row]
