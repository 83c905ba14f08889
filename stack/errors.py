"""What stops a command: one clear line, and where it helps, the evidence."""


class StackError(Exception):
    """A command cannot go on. Its text is one line that says what to change; `evidence` is output to show below it."""

    def __init__(self, line: str, evidence: str = "") -> None:
        super().__init__(line)
        self.evidence = evidence
