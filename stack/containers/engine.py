"""Whether there is a container engine to be used."""

import subprocess
from contextlib import suppress
from functools import cache

ANSWER_SECONDS = 5
OLDEST_COMPOSE = 2


@cache
def engine_answers() -> bool:
    """Whether a Docker engine answers, with Compose v2; a command asks once."""
    version = _output_or_none("docker", "compose", "version", "--short")
    if version is None or not is_supported(version):
        return False
    return _output_or_none("docker", "version") is not None


def is_supported(compose_version: str) -> bool:
    """Whether this Compose is v2 or later."""
    major = compose_version.strip().lstrip("v").partition(".")[0]
    return major.isdecimal() and int(major) >= OLDEST_COMPOSE


def _output_or_none(*command: str) -> str | None:
    """What a command prints, None where it fails."""
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=ANSWER_SECONDS).stdout  # noqa: S603
    return None
