"""Which generated files are stale, and what is said where the code that they follow from cannot be loaded."""

from pathlib import Path

import pytest

from stack.commands.generate import out_of_date, own_queues_json, put
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


def test_a_file_is_stale_that_is_missing_or_another_or_of_a_task_type_that_is_gone(tmp_path: Path) -> None:
    for name in ("as-rendered.yaml", "other.yaml", "worker-gone.yaml"):
        (tmp_path / name).write_text(name)
    rendered = {
        tmp_path / "as-rendered.yaml": "as-rendered.yaml",
        tmp_path / "other.yaml": "new",
        tmp_path / "missing.yaml": "new",
    }

    stale = out_of_date(rendered, tmp_path)

    assert stale == {
        tmp_path / "other.yaml": "new",
        tmp_path / "missing.yaml": "new",
        tmp_path / "worker-gone.yaml": None,
    }


def test_once_they_are_written_and_removed_none_is_stale(tmp_path: Path) -> None:
    folder = tmp_path / "kubernetes"
    folder.mkdir()
    (folder / "worker-gone.yaml").touch()
    rendered = {folder / "api.yaml": "api", tmp_path / "new" / "queues.yaml": "queues"}

    put(out_of_date(rendered, folder))

    assert out_of_date(rendered, folder) == {}
    assert [path.name for path in folder.iterdir()] == ["api.yaml"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.mkdir()
    with pytest.raises(StackError, match=r"api\.yaml does not follow from the code, and cannot be written"):
        put({file: "api"})
