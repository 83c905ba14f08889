"""The package of the functions, as it is brought to AWS: unzipped with its bytecode, and without."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from stack.aws.package import Contents, build, install_libraries
from stack.config import ROOT
from stack.functions.workforce import RUNTIME
from stack.interpreter import environment_python, install_environment
from stack.terminal import say

TASK_PACKAGES = ("services.tasks",)

# It stays there until the code is another.
_PACKED = ROOT / ".bench" / "package"

_BYTECODE = "__pycache__"


@dataclass(frozen=True, slots=True)
class Code:
    """What a function runs, and by which interpreter."""

    directory: Path
    python: Path
    """One that has AWS's runtime."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many bytes the package has."""

    zipped: int
    unzipped: int
    bytecode: int
    """Of what is unzipped."""


class FunctionsEnvironment:
    """What running a function needs: AWS's runtime, and the libraries that are packed."""

    name = "functions"

    def install(self) -> None:
        """Make it where it is missing or its locks have changed, and print so. Raises StackError where that fails."""
        install_environment(RUNTIME, "AWS's runtime of functions")
        install_libraries(say)


FUNCTIONS_ENVIRONMENT = FunctionsEnvironment()


def packed() -> Path:
    """Build the package where it has changed, and return the zip file."""
    return build(_PACKED, Contents(TASK_PACKAGES), say)


def unpacked(place: Path, *, has_bytecode: bool = True) -> Code:
    """Unzip the package into a folder of this place, where that is not done. Without bytecode each start compiles."""
    directory = place / ("package" if has_bytecode else "package-without-bytecode")
    if not directory.exists():
        unzip(packed(), directory, has_bytecode=has_bytecode)
    return Code(directory, environment_python(RUNTIME))


def unzip(package: Path, directory: Path, *, has_bytecode: bool) -> None:
    """Unzip a package, all of it or without its bytecode."""
    with zipfile.ZipFile(package) as file:
        file.extractall(directory, [name for name in file.namelist() if has_bytecode or not _is_bytecode(name)])


def size_of(package: Path) -> Size:
    """Return the size of a package."""
    with zipfile.ZipFile(package) as file:
        sizes = {entry.filename: entry.file_size for entry in file.infolist()}
    bytecode = sum(size for name, size in sizes.items() if _is_bytecode(name))
    return Size(package.stat().st_size, sum(sizes.values()), bytecode)


def _is_bytecode(name: str) -> bool:
    return _BYTECODE in name.split("/")
