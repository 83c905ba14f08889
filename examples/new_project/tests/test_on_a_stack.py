"""Task type `new-task-type` on a real stack: API, queue, worker and callback."""

from acme.tasks import new_task_type
from stack.testing import RunningStack


def test_the_callback_hears_what_the_example_gives(stack: RunningStack) -> None:
    done = stack.run(new_task_type, list(new_task_type.TASK_TYPE.example))

    assert done.results == [{"motto": {"words": 4}}]
    assert done.errors == [{"nothing": "the text has no words"}]
