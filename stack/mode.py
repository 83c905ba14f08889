"""In which mode to run: the one asked for, else the one before, else containers where an engine answers."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from stack.config import Mode

ANSWER_SECONDS = 5
OLDEST_COMPOSE = 2


def choose_mode(forced: Mode | None, before: Mode | None, engine_answers: Callable[[], bool]) -> Mode:
    """Decide; `engine_answers` is asked only where it matters.

    `before` is the mode of the stack that runs, or that has left something queued: the one mode cannot work off what
    was queued in the other, as its tasks name the other's addresses.
    """
    return forced or before or ("containers" if engine_answers() else "native")


@cache
def engine_answers() -> bool:
    """Whether a Docker engine answers, with Compose v2; a command asks once."""
    version = _output("docker", "compose", "version", "--short")
    if version is None or not is_supported(version):
        return False
    return _output("docker", "version") is not None


def is_supported(compose_version: str) -> bool:
    """Whether this Compose is v2 or later."""
    major = compose_version.strip().lstrip("v").partition(".")[0]
    return major.isdecimal() and int(major) >= OLDEST_COMPOSE


def _output(*command: str) -> str | None:
    """What a command prints, None where it fails."""
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=ANSWER_SECONDS).stdout  # noqa: S603
    return None
