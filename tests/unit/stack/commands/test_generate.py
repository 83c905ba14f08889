"""What is said where the code that the files follow from cannot be loaded."""

from pathlib import Path

import pytest

from stack.commands.generate import own_queues_json
from stack.errors import StackError


def test_code_that_cannot_be_loaded_is_reported_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "half_written_tasks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "word_count.py").write_text("TASK_TYPE = TaskType(\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(StackError, match=r"^The queues cannot be computed: SyntaxError: ") as raised:
        own_queues_json(package.name)

    assert "word_count.py" in raised.value.evidence
