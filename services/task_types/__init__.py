"""All that the author of a task type imports; `.http` and `.exact_json` beside it have helpers for those who want them.

It is kept stable: a name goes, or takes other arguments, with a major version alone, and CHANGELOG.md says so.
"""

from services.errors import PermanentError, RetryLaterError
from services.outbound.targets import TargetUrl, was_accepted
from services.settings import Settings
from services.task_types.task_type import HeldBytes, ItemError, TaskContext, TaskItem, TaskType

__all__ = [
    "HeldBytes",
    "ItemError",
    "PermanentError",
    "RetryLaterError",
    "Settings",
    "TargetUrl",
    "TaskContext",
    "TaskItem",
    "TaskType",
    "was_accepted",
]
