"""Which mode `up` takes."""

import pytest

from stack.config import Mode
from stack.mode import choose_mode, is_supported


@pytest.mark.parametrize(
    ("forced", "remembered", "engine", "chosen"),
    [
        ("native", "containers", True, "native"),
        ("containers", "native", False, "containers"),
        (None, None, True, "containers"),
        (None, None, False, "native"),
        (None, "native", True, "native"),
        (None, "containers", True, "containers"),
        (None, "containers", False, "containers"),
    ],
)
def test_forced_then_running_then_what_the_machine_has(
    forced: Mode | None,
    remembered: Mode | None,
    engine: bool,  # noqa: FBT001
    chosen: Mode,
) -> None:
    assert choose_mode(forced, remembered, lambda: engine) == chosen


@pytest.mark.parametrize("version", ["2.26.1-4\n", "v2.1.0", "5.0.0"])
def test_compose_v2_and_later_will_do(version: str) -> None:
    assert is_supported(version)


@pytest.mark.parametrize("version", ["1.29.2", "", "unknown"])
def test_anything_else_will_not(version: str) -> None:
    assert not is_supported(version)
