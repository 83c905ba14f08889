"""The fixture `stack` in a project of its own: its tests bring a stack up, use it, and leave nothing behind."""

import os
from pathlib import Path

import pytest

from stack.config import wanted_mode
from stack.ports import is_free
from tests.end_to_end.own_project import Project

TESTS_THAT_FAIL = '''
"""What the report of a test that fails has to show, and where the stack was."""

from pathlib import Path

from acme.tasks import broken_links, unlucky


def test_a_callback_that_never_takes_it(stack):
    Path("ports").write_text(" ".join(map(str, stack.settings.ports.values())))
    pages = [{"name": "here", "url": stack.settings.source_url}]
    stack.run(broken_links, {"callback_url": f"{stack.callback_url}?status=410", "message": pages})


def test_a_task_that_fails_for_good(stack):
    failed = stack.run(unlucky, [{"name": "here"}])
    assert failed.reason == "RuntimeError: no luck (failed for good after 1 attempts)"
    assert failed.results == [{"here": 200}]


def test_that_fails_without_a_task(stack):
    assert not stack.submitted, "it has none of another test"
    raise RuntimeError("without a task")
'''

UNLUCKY = """
from services.task_types import TaskItem, TaskType


async def run(item, context):
    raise RuntimeError("no luck")


TASK_TYPE = TaskType(
    name="unlucky", route="/v1/unlucky", summary="Fail", item=TaskItem, run=run, example=[], max_attempts=1
)
"""


def test_a_project_s_tests_bring_up_a_stack_of_their_own_show_what_happened_and_leave_nothing(tmp_path: Path) -> None:
    if wanted_mode(os.environ) not in {None, "native"}:
        pytest.skip("its stack runs natively, whatever the suite's runs in")
    project = Project.copied_to(tmp_path / "project")
    (project.folder / "test_that_fails.py").write_text(TESTS_THAT_FAIL)
    (project.folder / "acme" / "tasks" / "unlucky.py").write_text(UNLUCKY)
    theirs = project.folder / "theirs"

    done = project.pytest(
        "tests/test_on_a_stack.py",
        "test_that_fails.py",
        TASK_PACKAGES="acme.tasks",
        MODE="native",
        STACK_DIR=str(theirs),
        API_KEYS="",
    )

    assert "3 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    never_taken, _, rest = done.stdout.partition("test_a_task_that_fails_for_good")
    for_good, _, without_task = rest.partition("test_that_fails_without_a_task")
    assert "was answered 410, which is final" in never_taken
    assert "story of task" in never_taken
    assert "callback received: success, delivery 1, answered 410" in never_taken
    assert "story of task" in for_good
    assert "✗ Failed for good, and the callback knows: RuntimeError: no luck" in for_good
    assert "story of task" not in without_task
    ports = [int(port) for port in (project.folder / "ports").read_text().split()]
    assert len(ports) == 4
    assert all(map(is_free, ports))
    assert not theirs.exists()
