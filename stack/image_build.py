"""Builds images by Docker's command: that of this clone, and on it that of a project of one's own task types."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from stack.errors import StackError

STACK_IMAGE = "STACK_IMAGE"
"""The build argument by which a project's Dockerfile is told the image of this clone."""

_EVIDENCE_LINES = 30


def build(folder: Path, *options: str) -> str:
    """Build a folder's Dockerfile; return the id of the image. Raises `StackError` where that fails."""
    return docker(["build", "--quiet", *options, str(folder)], f"The image of {folder} could not be built").strip()


def require_dockerfile(project: Path) -> None:
    """Raise `StackError` where a project of one's own task types does not say how its image is built."""
    if not (project / "Dockerfile").is_file():
        raise StackError(
            f"{project / 'Dockerfile'} is missing, by which the image with your task types is built: it begins with"
            f" `ARG {STACK_IMAGE}` and `FROM ${{{STACK_IMAGE}}}`, and copies their package, as `COPY acme /app/acme`."
        )


def stack_image_option(stack_image: str) -> tuple[str, str]:
    """Return what says to a build on which image of this clone it builds."""
    return ("--build-arg", f"{STACK_IMAGE}={stack_image}")


def docker(arguments: Sequence[str], failure: str, *, given: str = "") -> str:
    """Return what Docker's command prints that is given this input.

    Raises `StackError`, with its last lines, where it fails.
    """
    try:
        done = subprocess.run(["docker", *arguments], input=given, capture_output=True, text=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise StackError(f"{failure}: there is no `docker` here, which builds and pushes it.") from None
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise StackError(f"{failure}: {reason}", "\n".join(lines[-_EVIDENCE_LINES:]))
    return done.stdout
