"""What an author does in a project that `make new` has written, natively or in containers as MODE says."""

import sys

from tests.own_task_types.project import Project


def test_from_make_new_to_the_callback_of_a_task(new: Project) -> None:
    said = new.make("up")
    assert "make submit TYPE=word-stats WAIT=1" in said

    heard = new.made_json("submit", "TYPE=word-stats", "WAIT=1")

    assert heard["callback"]["results"] == [{"motto": {"words": 4}}]
    assert heard["callback"]["errors"] == [{"nothing": "the text has no words"}]


def test_another_number_of_attempts_makes_the_queue_anew(new: Project) -> None:
    new.make("up")
    code = new.folder / "word_stats" / "tasks" / "word_stats.py"
    code.write_text(code.read_text().replace("    run=run,\n", "    run=run,\n    max_attempts=5,\n"))

    said = new.make("up")
    heard = new.made_json("submit", "TYPE=word-stats", "WAIT=1")
    new.make("down")

    assert "have changed" in said
    assert heard["outcome"] == "success"


def test_what_make_new_writes_passes_its_tests_and_those_on_a_stack(new: Project) -> None:
    assert "3 passed" in new.make("test")
    assert "1 passed" in new.make("test-stack")


def test_what_make_new_writes_has_no_fault_of_types(new: Project) -> None:
    # mypy is ours; what it looks at is found by the project's own interpreter.
    options = ("--strict", "--python-executable", str(new.folder / ".venv/bin/python"), "--config-file", "")
    done = new.run(sys.executable, "-m", "mypy", *options, "word_stats", "tests", cwd=new.folder)
    assert done.returncode == 0, done.stdout
