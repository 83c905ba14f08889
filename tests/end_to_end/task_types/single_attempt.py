"""Task type `single-attempt`: `unreliable`, but its work must not be repeated."""

from dataclasses import replace

from tests.end_to_end.task_types import unreliable

TASK_TYPE = replace(
    unreliable.TASK_TYPE,
    name="single-attempt",
    route="/v1/tests/single-attempt",
    summary="Fail at once",
    max_attempts=1,
)
