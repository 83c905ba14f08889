"""A command writes its region of a document, and nothing else of it."""

import pytest

from bench.markdown_region import replace_region

TEXT = "before\n<!-- full batches: begin -->\nold\n<!-- full batches: end -->\nafter\n"


def test_a_region_is_replaced_and_the_rest_is_left() -> None:
    assert replace_region(TEXT, "full batches", "new\nlines") == TEXT.replace("old", "new\nlines")


@pytest.mark.parametrize("text", ["", 2 * TEXT])
def test_a_document_that_does_not_have_the_region_once_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(ValueError, match="the region 'full batches' once"):
        replace_region(text, "full batches", "new")
