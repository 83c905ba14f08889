"""What supervisord is configured with."""

import subprocess
import sys

import pytest

from stack.config import ROOT

PRINT = "from pathlib import Path; from stack.native.supervisor import render; print(render(Path('/tmp'), []))"


@pytest.mark.parametrize(("hard", "least"), [(256, 256), (4096, 1024)])
def test_it_asks_for_no_more_open_files_than_there_can_be(hard: int, least: int) -> None:
    command = ["/bin/sh", "-c", f'ulimit -n {hard} && exec "$0" -c "$1"', sys.executable, PRINT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603

    assert f"minfds = {least}\n" in done.stdout
