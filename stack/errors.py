"""What stops a command: one clear line, and where it helps, the evidence."""

from collections.abc import Iterable


class StackError(Exception):
    """A command cannot go on. Its text is one line that says what to change; `evidence` is output to show below it."""

    def __init__(self, line: str, evidence: str = "") -> None:
        super().__init__(line)
        self.evidence = evidence


def no_such_service(service: str, names: Iterable[str]) -> StackError:
    """The line for a service that the stack does not have."""
    return StackError(f"There is no service {service}; there are {', '.join(names)}.")
