"""Which mode `up` takes."""

import pytest

from stack.config import Mode
from stack.mode import choose_mode


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
