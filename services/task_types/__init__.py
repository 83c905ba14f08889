"""What a task type is: all that the author of one imports."""

from services.outbound.targets import TargetUrl
from services.settings import Settings
from services.task_types.task_type import HeldBytes, ItemError, TaskContext, TaskItem, TaskType

__all__ = ["HeldBytes", "ItemError", "Settings", "TargetUrl", "TaskContext", "TaskItem", "TaskType"]
