"""Keeps what a container has logged that is about to be removed: the engine removes its log with it.

The lines are kept as `docker compose logs --timestamps` shows them, those of each copy of a service in a file of its
own, which is rotated like the logs of a native stack.
"""

import re
import subprocess
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

from stack.containers.docker import Container, remove, stop
from stack.containers.logs import parse
from stack.logs import files as log_files
from stack.logs.line import RawLine
from stack.terminal import OnProgress

MOST_BYTES = 10_000_000
"""Of a file; of each log there are so many and no more:"""
FILES = 3


def replace(containers: Iterable[Container], directory: Path, on_progress: OnProgress) -> None:
    """Stop and remove the containers, in whose place Compose makes others, and keep their logs."""
    replaced = list(containers)
    stop(replaced)
    keep(replaced, directory, on_progress)
    remove(replaced)


def keep(containers: Iterable[Container], directory: Path, on_progress: OnProgress) -> None:
    """Append their logs to what is kept. A disk that takes no more costs the logs alone: it is reported."""
    try:
        _folder(directory).mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor() as threads:
            list(threads.map(partial(_keep_one, directory), containers))
    except OSError as error:
        on_progress(f"The logs of the containers that are removed cannot be kept: {error}.")


def read(
    directory: Path, service: str | None, living: Iterable[list[RawLine]], *, last: int | None
) -> Iterator[list[RawLine]]:
    """What is kept and then what living containers have logged: all of it, or the last lines of each."""
    files = {file.stem: file for file in sorted(_folder(directory).glob("*.log")) if _is_of(service, file.stem)}
    if last is None:
        yield from _parsed(log_files.whole(files))
        yield from living
        return
    ends: dict[str, deque[RawLine]] = defaultdict(partial(deque, maxlen=last))
    for batch in (*_parsed(log_files.end(files, last, follow=False)), *living):
        for line in batch:
            ends[line.service].append(line)
    yield [line for end in ends.values() for line in end]


def append(file: Path, text: bytes) -> None:
    """Append whole lines. A file that would get too large becomes the one before, and the oldest one goes."""
    for part in _parts(text):
        if file.exists() and file.stat().st_size + len(part) > MOST_BYTES:
            _rotate(file)
        with file.open("ab") as stream:
            stream.write(part)


def _keep_one(directory: Path, container: Container) -> None:
    command = ["docker", "logs", "--timestamps", container.name]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if done.returncode == 0:
        prefix = f"{container.service}-{container.number} | ".encode()
        lines = done.stdout.removesuffix(b"\n").split(b"\n") if done.stdout else []
        file = _folder(directory) / f"{container.service}-{container.number}.log"
        append(file, b"".join(prefix + line + b"\n" for line in lines))


def _parsed(batches: Iterable[list[RawLine]]) -> Iterator[list[RawLine]]:
    return ([parse(line.text) for line in batch] for batch in batches)


def _is_of(service: str | None, instance: str) -> bool:
    return service is None or re.fullmatch(rf"{re.escape(service)}-\d+", instance) is not None


def _parts(text: bytes) -> Iterator[bytes]:
    """The text in parts that a file takes, of whole lines; a line is never as large as a file."""
    while text:
        end = text.rfind(b"\n", 0, MOST_BYTES) + 1
        yield text[:end]
        text = text[end:]


def _rotate(file: Path) -> None:
    names = [file, *(file.with_name(f"{file.name}.{number}") for number in range(1, FILES))]
    for newer, older in reversed(list(pairwise(names))):
        if newer.exists():
            newer.replace(older)


def _folder(directory: Path) -> Path:
    return directory / "container-logs"
