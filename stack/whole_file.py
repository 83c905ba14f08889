"""Writes files that others read meanwhile."""

import os
from pathlib import Path

from stack.errors import writing


def write_whole(file: Path, text: str) -> None:
    """Replace the file in one step, on disk when this returns: who reads it sees the whole text, or the one before.

    Raises `StackError` where it cannot be written: the one before is still there then.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(unfinished, text)
        except OSError:
            # On a full disk, it is in the way of what would make room.
            unfinished.unlink(missing_ok=True)
            raise
        unfinished.replace(file)
        _sync_directory(file.parent)


def _write(file: Path, text: str) -> None:
    with file.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
