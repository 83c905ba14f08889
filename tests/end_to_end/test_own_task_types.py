"""The fixture `stack` in a project of its own: its tests bring a stack up, use it, and leave nothing behind."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack.config import ROOT, forced_mode
from stack.ports import is_free
from tests.end_to_end.stack_control import StackControl

PROJECT = ROOT / "examples" / "own_task_types"

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

TEST_ON_A_RUNNING_STACK = '''
"""A task type that the running stack has."""

from tests.end_to_end.worked_example import word_count


def test_words_are_counted(stack):
    words = [{"name": "a", "text": "x y"}]
    once, again = (stack.submit(word_count, words, headers={"Idempotency-Key": "words"}) for _ in range(2))
    assert once == again
    assert stack.outcome(once).results == [{"a": {"words": 2, "different": 2}}]
'''


@dataclass(frozen=True)
class Project:
    """An author's project, and the environment that its Makefile exports."""

    folder: Path

    def pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run pytest in it, as its author does."""
        exported = {"PYTHONPATH": f".:{ROOT}", "PYTEST_ADDOPTS": "", "COLUMNS": "200", **environment}
        # This run's own: it is no part of a run on xdist.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:schemathesis", *arguments]
        return subprocess.run(  # noqa: S603  # a pytest of its own
            command, cwd=self.folder, env={**inherited, **exported}, capture_output=True, text=True, check=False
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if forced_mode(os.environ) not in {None, "native"}:
        pytest.skip("its own stack runs natively, whatever the suite's runs in")
    return Project(Path(shutil.copytree(PROJECT, tmp_path / "project")))


def test_its_tests_bring_up_a_stack_of_their_own_show_what_happened_and_leave_nothing(project: Project) -> None:
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


def test_they_use_the_running_stack_where_that_is_wanted(project: Project, own_stack: StackControl) -> None:
    (project.folder / "test_words.py").write_text(TEST_ON_A_RUNNING_STACK)
    settings = {"STACK_DIR": str(own_stack.directory), "MODE": own_stack.mode}

    done = project.pytest("--running-stack", "test_words.py", **settings)

    assert done.returncode == 0, done.stdout + done.stderr
    assert own_stack.services(), "it still runs"
