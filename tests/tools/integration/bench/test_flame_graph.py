"""py-spy on a real process, and what is read from its file."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.flame_graph import own_times

BUSY = """
def inner():
    return sum(range(20_000))

def outer():
    for _ in range(5_000):
        inner()

outer()
"""


def test_the_file_that_py_spy_writes_shows_where_the_time_went(tmp_path: Path) -> None:
    program, svg = tmp_path / "busy.py", tmp_path / "busy.svg"
    program.write_text(BUSY)
    spy = str(Path(sys.executable).with_name("py-spy"))
    command = [spy, "record", "--function", "--output", str(svg), "--", sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if "root" in done.stderr or "ermission denied" in done.stderr:
        pytest.skip(f"this system lets no user look into a process: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr

    assert own_times(svg.read_text())[0].function == "inner (busy.py:2)"
