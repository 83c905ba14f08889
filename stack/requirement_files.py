"""Which files a requirements file is: itself, and those that it includes.

    python requirement_files.py FILE    prints all their text, by which it is known whether one has changed

https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

_INCLUDED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]*(?P<path>[^\s#]+)", re.MULTILINE)


def requirement_files(file: Path) -> list[Path]:
    """Return the file and those on this machine that it includes, or one of those does, each once; what is missing not.

    Paths in a file are as seen from its folder.
    """
    return list(dict.fromkeys(_walk(file.resolve(), frozenset())))


def _walk(file: Path, including: frozenset[Path]) -> Iterator[Path]:
    if file in including or not file.is_file():
        return
    yield file
    for path in _INCLUDED.findall(file.read_text(encoding="utf-8", errors="replace")):
        yield from _walk((file.parent / path).resolve(), including | {file})


if __name__ == "__main__":
    for each in requirement_files(Path(sys.argv[1])):
        sys.stdout.buffer.write(each.read_bytes())
