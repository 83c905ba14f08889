"""What a stack remembers of itself in its directory from one command to the next: the mode it was started in."""

from pathlib import Path
from typing import get_args

from stack.config import Mode, StackSettings
from stack.whole_file import write_whole


def remember_mode(settings: StackSettings) -> None:
    """Called before anything starts, so that `down` finds even what started by half."""
    write_whole(_file(settings.directory), settings.mode)


def remembered_mode(directory: Path) -> Mode | None:
    """The mode in which the stack was started, None where it was not."""
    file = _file(directory)
    if not file.exists():
        return None
    modes: tuple[Mode, ...] = get_args(Mode)
    return next((mode for mode in modes if mode == file.read_text()), None)


def forget_mode(directory: Path) -> None:
    """Called when nothing of the stack runs any more."""
    _file(directory).unlink(missing_ok=True)


def _file(directory: Path) -> Path:
    return directory / "mode"
