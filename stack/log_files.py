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
        _print(name.ljust(width), tail(file, LINES).splitlines())
    if follow:
        _follow({name.ljust(width): file for name, file in files.items()})


def new_lines(file: Path, offset: int) -> tuple[list[str], int]:
    """The whole lines after `offset`, in bytes, and the offset behind them. A file that shrank was rotated."""
    size = _size(file)
    if size == offset:
        return [], offset
    start = offset if offset < size else 0
    with file.open("rb") as stream:
        stream.seek(start)
        text, newline, _unfinished = stream.read().rpartition(b"\n")
    return text.decode(errors="replace").splitlines(), start + len(text + newline)


def _follow(files: Mapping[str, Path]) -> None:
    offsets = {name: _size(file) for name, file in files.items()}
    while True:
        for name, file in files.items():
            lines, offsets[name] = new_lines(file, offsets[name])
            _print(name, lines)
        time.sleep(POLL_SECONDS)


def _print(name: str, lines: list[str]) -> None:
    for line in lines:
        console.print(f"{name} | {line}", markup=False, soft_wrap=True)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
