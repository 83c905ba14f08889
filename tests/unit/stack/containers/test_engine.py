"""Which container engine will do."""

import pytest

from stack.containers.engine import is_supported


@pytest.mark.parametrize("version", ["2.26.1-4\n", "v2.1.0", "5.0.0"])
def test_compose_v2_and_later_will_do(version: str) -> None:
    assert is_supported(version)


@pytest.mark.parametrize("version", ["1.29.2", "", "unknown"])
def test_anything_else_will_not(version: str) -> None:
    assert not is_supported(version)
