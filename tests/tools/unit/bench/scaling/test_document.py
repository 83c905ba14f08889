"""docs/scaling.md has a place for all that the model computes, and numbers are written for readers."""

from pathlib import Path

import pytest

from bench.scaling import __main__ as command
from bench.scaling import document

STALE = "<!-- cost: begin -->\nold\n<!-- cost: end -->\n"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A document whose region is stale."""
    page = tmp_path / "scaling.md"
    page.write_text(STALE)
    monkeypatch.setattr(command, "DOCUMENT", page)
    monkeypatch.setattr(document, "REGIONS", {"cost": lambda: "new"})
    return page


def test_the_command_computes_the_document(page: Path) -> None:
    command.main([])
    assert page.read_text() == STALE.replace("old", "new")
    command.main(["--check"])


def test_the_check_fails_where_the_document_is_stale_and_writes_nothing(page: Path) -> None:
    with pytest.raises(SystemExit, match="Run `make scaling`"):
        command.main(["--check"])
    assert page.read_text() == STALE
