"""Documents have a place for all that the model computes."""

from pathlib import Path

import pytest

from bench.scaling.__main__ import bring_in_sync
from bench.scaling.document import render

STALE = "<!-- cost: begin -->\nold\n<!-- cost: end -->\n"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A document whose region is stale."""
    page = tmp_path / "scaling.md"
    page.write_text(STALE)
    return page


def rendered(text: str) -> str:
    return render(text, {"cost": lambda: "new"})


def test_the_command_computes_the_document(page: Path) -> None:
    bring_in_sync(page, rendered, check=False)
    assert page.read_text() == STALE.replace("old", "new")
    bring_in_sync(page, rendered, check=True)


def test_the_check_fails_where_the_document_is_stale_and_writes_nothing(page: Path) -> None:
    with pytest.raises(SystemExit, match="Run `make scaling`"):
        bring_in_sync(page, rendered, check=True)
    assert page.read_text() == STALE
