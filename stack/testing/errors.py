"""What the author of a task type has got wrong, in a sentence that says what to change."""

from collections.abc import Sequence

from stack.errors import StackError


class BrokenTaskTypeError(StackError):
    """What was given as a task type is none, or none that a worker could run."""


class UnfitSettingsError(StackError):
    """The settings that a test gives are none, or such that no service would start with them."""


class TaskRefusedError(StackError):
    """The API does not accept the task: no `task_id` is given, and no callback hears of it."""

    def __init__(self, status: int, reasons: Sequence[str]) -> None:
        super().__init__("\n    ".join([f"The API answers {status}:", *reasons]))
        self.status = status
        """422 for what is malformed, 413 for what is too large."""
        self.reasons = list(reasons)
        """For a 422 each place and what is wrong there, such as `message.0.text: Field required`."""


class NoOutcomeError(StackError):
    """The callback has heard no outcome."""
