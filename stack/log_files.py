"""Shows log files: their ends, and what is written to them."""

import time
from collections.abc import Mapping
from pathlib import Path

from stack.console import console

LINES = 40
POLL_SECONDS = 0.2


def tail(file: Path, lines: int) -> str:
    """The last lines of a file, empty where there is none."""
    if not file.exists():
        return ""
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])


def show(files: Mapping[str, Path], *, follow: bool) -> None:
    """Print the last lines of each file, each under its name; with `follow`, go on until interrupted."""
    width = max(map(len, files), default=0)
    for name, file in files.items():
        _print(name.ljust(width), tail(file, LINES))
    if follow:
        _follow({name.ljust(width): file for name, file in files.items()})


def _follow(files: Mapping[str, Path]) -> None:
    read = {name: _size(file) for name, file in files.items()}
    while True:
        for name, file in files.items():
            read[name] = _print_new(name, file, read[name])
        time.sleep(POLL_SECONDS)


def _print_new(name: str, file: Path, offset: int) -> int:
    """Print the whole lines after `offset`; return the offset behind them. A file that shrank was rotated."""
    if _size(file) < offset:
        offset = 0
    if _size(file) == offset:
        return offset
    with file.open("rb") as stream:
        stream.seek(offset)
        whole_lines = stream.read().rpartition(b"\n")[0]
    if not whole_lines:
        return offset
    _print(name, whole_lines.decode(errors="replace"))
    return offset + len(whole_lines) + 1


def _print(name: str, text: str) -> None:
    for line in text.splitlines():
        console.print(f"{name} | {line}", markup=False, soft_wrap=True)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
