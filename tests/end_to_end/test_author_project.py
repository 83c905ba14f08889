"""The fixture `stack` in a project of its own: its tests bring a stack up, use it, and leave nothing behind."""

import os
from pathlib import Path

import pytest

from stack.config import forced_mode
from stack.ports import is_free
from tests.end_to_end.author_project import Project

TESTS_THAT_FAIL = '''
"""What the report of a test that fails has to show, and where the stack was."""

from pathlib import Path

from links.tasks import link_check


def test_a_callback_that_never_takes_it(stack):
    Path("ports").write_text(" ".join(map(str, stack.settings.ports.values())))
    links = [{"name": "here", "url": stack.settings.source_url}]
    stack.run(link_check, {"callback_url": f"{stack.callback_url}?status=410", "message": links})


def test_a_server_that_stays_down(stack):
    failed = stack.run(link_check, [{"name": "here", "url": f"{stack.settings.source_url}?status=500"}])
    assert failed.reason == "RuntimeError: the server is down: 500 (failed for good after 3 attempts)"
    assert failed.results == [{"here": 200}]


def test_that_fails_without_a_task(stack):
    assert not stack.submitted, "it has none of another test"
    raise RuntimeError("without a task")
'''


def test_a_project_s_tests_bring_up_a_stack_of_their_own_show_what_happened_and_leave_nothing(tmp_path: Path) -> None:
    if forced_mode(os.environ) not in {None, "native"}:
        pytest.skip("its stack runs natively, whatever the suite's runs in")
    project = Project.copied_to(tmp_path / "project")
    (project.folder / "test_that_fails.py").write_text(TESTS_THAT_FAIL)
    theirs = project.folder / "theirs"

    done = project.pytest(
        "test_on_a_stack.py",
        "test_that_fails.py",
        TASK_PACKAGES="links.tasks",
        MODE="native",
        STACK_DIR=str(theirs),
        API_KEYS="",
    )

    assert "3 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    never_taken, _, rest = done.stdout.partition("test_a_server_that_stays_down")
    stays_down, _, without_task = rest.partition("test_that_fails_without_a_task")
    assert "was answered 410, which is final" in never_taken
    assert "story of task" in never_taken
    assert "callback received: success, delivery 1, answered 410" in never_taken
    assert "story of task" in stays_down
    assert "✗ Failed for good, and the callback knows: RuntimeError: the server is down: 500" in stays_down
    assert "story of task" not in without_task
    ports = [int(port) for port in (project.folder / "ports").read_text().split()]
    assert len(ports) == 4
    assert all(map(is_free, ports))
    assert not theirs.exists()
