"""Where the task types are."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import NoDecode

from services.settings import CommaSeparated, Settings


class TaskTypeSettings(Settings):
    """Where the task types are."""

    task_packages: Annotated[list[str], NoDecode, CommaSeparated, Field(min_length=1)] = ["services.tasks"]
    """The packages whose modules are searched for task types."""
