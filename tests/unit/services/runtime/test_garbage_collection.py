"""What the collector looks through once a program serves."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from services.runtime.garbage_collection import freeze_gc, without_collections


class Cycle:
    """Freed by the collector alone."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_what_exists_is_looked_through_no_more() -> None:
    freeze_gc()
    assert gc.get_freeze_count() > 10 * len(gc.get_objects())


def test_what_comes_later_is_still_collected() -> None:
    freeze_gc()
    seen = weakref.ref(Cycle())
    gc.collect()
    assert seen() is None


def test_a_collection_is_rarer_than_by_default() -> None:
    freeze_gc()
    assert gc.isenabled()
    assert gc.get_threshold()[0] == 10_000


def test_nothing_is_collected_while_a_function_is_set_up_and_what_exists_then_is_looked_through_no_more() -> None:
    with without_collections():
        seen = weakref.ref(Cycle())
        assert not gc.isenabled()
        freeze_gc()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10 * len(gc.get_objects())
    assert seen() is not None


def test_collections_go_on_where_setting_up_fails() -> None:
    with pytest.raises(SystemExit), without_collections():
        raise SystemExit
    assert gc.isenabled()
