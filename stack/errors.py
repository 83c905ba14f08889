"""What stops a command: one clear line, and where it helps, the evidence."""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# What to do about it, by the cause (errno(3)).
_REMEDIES = {
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room in your quota",
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.EACCES: "let it belong to you, or name another directory with STACK_DIR",
    errno.EPERM: "let it belong to you, or name another directory with STACK_DIR",
    errno.EROFS: "name a directory that can be written with STACK_DIR",
    errno.ENOTDIR: "name a directory with STACK_DIR",
    errno.EEXIST: "name a directory with STACK_DIR",
    errno.EMFILE: "allow more open files (ulimit -n)",
}


class StackError(Exception):
    """A command cannot go on. Its text is one line that says what to change; `evidence` is output to show below it."""

    def __init__(self, line: str, evidence: str = "") -> None:
        super().__init__(line)
        self.evidence = evidence


def no_such_service(service: str, names: Iterable[str]) -> StackError:
    """The line for a service that the stack does not have."""
    return StackError(f"There is no service {service}; there are {', '.join(names)}.")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `StackError` where the block, which writes this file or makes this directory, cannot."""
    try:
        yield
    except OSError as error:
        # Of several files, as shutil copies them, there is a list instead of a cause.
        cause = error.strerror or error.args[0][0][2]
        remedy = _REMEDIES.get(error.errno or 0)
        raise StackError(f"{path} cannot be written ({cause}){f': {remedy}' if remedy else ''}.") from error


def not_begun(*, is_running: bool) -> str:
    """Return how an error begins that is found before anything of a stack is started, or stopped."""
    return "The stack runs on as it was" if is_running else "The stack is not started"
