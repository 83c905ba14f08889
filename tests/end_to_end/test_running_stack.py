"""The fixture `stack` is the stack that is up, where that is wanted."""

from pathlib import Path

from tests.end_to_end.own_project import Project
from tests.end_to_end.stack_control import StackControl

TEST_ON_A_RUNNING_STACK = '''
"""A task type that the running stack has."""

from tests.end_to_end.worked_example import word_count


def test_words_are_counted(stack):
    words = [{"name": "a", "text": "x y"}]
    once, again = (stack.submit(word_count, words, headers={"Idempotency-Key": "words"}) for _ in range(2))
    assert once == again
    assert stack.outcome(once).results == [{"a": {"words": 2, "different": 2}}]
'''


def test_a_project_s_tests_use_the_running_stack_and_leave_it_running(own_stack: StackControl, tmp_path: Path) -> None:
    project = Project.copied_to(tmp_path / "project")
    (project.folder / "test_words.py").write_text(TEST_ON_A_RUNNING_STACK)
    settings = {"STACK_DIR": str(own_stack.directory), "MODE": own_stack.mode}

    done = project.pytest("--running-stack", "test_words.py", **settings)

    assert done.returncode == 0, done.stdout + done.stderr
    assert own_stack.services(), "it still runs"
