"""The one zip file of all functions: what they need of the libraries, the services' code, and the bytecode of both.

Lambda's copy of the code cannot be written, so that without bytecode each cold start would compile it.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from stack.config import ROOT
from stack.errors import StackError, writing
from stack.interpreter import PYTHON, environment_beside
from stack.terminal import OnProgress, say

LOCK = ROOT / "requirements" / "functions.txt"

MOST_BYTES = 262_144_000
"""Of the unzipped package. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

PACKAGES = ("receiver", "services", "web")
"""Those of this project that every function has; the packages of task types come with them."""

# botocore describes each service of AWS, which is half of all that is installed.
_DESCRIPTIONS = Path("botocore", "data")
_DESCRIBED = ("sqs",)

# The same bytes have the same date, so that a package that has not changed is not deployed again.
_DATE = (1980, 1, 1, 0, 0, 0)

# The name of what stands beside the virtual environments, and lasts as long as they do.
_FOLDER = "functions"

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyi", "*.md")

_Package = str


@dataclass(frozen=True)
class Target:
    """For which machine and Python a package is built."""

    machine: str
    """As Lambda calls it: x86_64 or arm64."""
    version: str
    """Of Python, as 3.13."""

    @property
    def runtime(self) -> str:
        """Lambda's name of the Python."""
        return f"python{self.version}"

    @property
    def linux_machine(self) -> str:
        """Linux's name of the machine."""
        return "aarch64" if self.machine == "arm64" else self.machine


def this_version() -> str:
    """Return the version of the Python that runs this, and compiles what it packs."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def build(
    directory: Path,
    task_packages: Sequence[_Package],
    on_progress: OnProgress,
    *,
    target: Target | None = None,
    described_services: Sequence[str] = (),
) -> Path:
    """Build the package in the directory, where it has changed, and return the zip file.

    `target`: None is this machine. `described_services`: those of AWS that task types use by the SDK, besides SQS.
    Raises `StackError` where a package of task types is not to be found, or a library cannot be had.
    """
    libraries = install_libraries(on_progress, target=target, described_services=described_services)
    sources = [_source_of(package) for package in dict.fromkeys([*PACKAGES, *map(_top_level, task_packages)])]
    checksum = _checksum([libraries.name.encode(), *_contents(sources)])
    package = directory / f"functions-{checksum}.zip"
    if not package.exists():
        on_progress("Packing the functions: the services' code and what it needs.")
        code = directory / "code"
        with writing(directory):
            shutil.rmtree(code, ignore_errors=True)
            for source in sources:
                shutil.copytree(source, code / source.name, ignore=_LEFT_OUT)
        _compile(code, target)
        _refuse_too_large(code, libraries)
        _zip(package, [libraries, code])
        _remove_others(directory.glob("functions-*.zip"), package)
    return package


def install_libraries(
    on_progress: OnProgress, *, target: Target | None = None, described_services: Sequence[str] = ()
) -> Path:
    """Install the libraries as their lock says, and compile them, where that is not done; return their folder.

    All stacks share it, as they do the virtual environments. Raises `StackError` where one cannot be had.
    """
    described = sorted({*_DESCRIBED, *described_services})
    platform = ["--for", target.linux_machine, target.version] if target else []
    checksum = _checksum([LOCK.read_bytes(), this_version().encode(), repr((platform, described)).encode()])
    kind = f"libraries-{target.machine if target else 'here'}"
    libraries = environment_beside(_FOLDER) / f"{kind}-{checksum}"
    if libraries.is_dir():
        return libraries
    on_progress("Installing the libraries of the functions (once).")
    unfinished = libraries.with_name(f"unfinished-{os.getpid()}")
    with writing(libraries.parent):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
    _install(unfinished, platform)
    for description in (unfinished / _DESCRIPTIONS).iterdir():
        if description.is_dir() and description.name not in described:
            shutil.rmtree(description)
    for unused in ("bin", "share"):
        shutil.rmtree(unfinished / unused, ignore_errors=True)
    _compile(unfinished, target)
    _move(unfinished, libraries)
    _remove_others(libraries.parent.glob(f"{kind}-*"), libraries)
    return libraries


def _move(unfinished: Path, libraries: Path) -> None:
    try:
        unfinished.rename(libraries)
    except OSError:
        # Somebody else has been as fast.
        if not libraries.is_dir():
            raise
        shutil.rmtree(unfinished)


def _install(target: Path, platform: Sequence[str]) -> None:
    installer = environment_beside("uv") / "bin" / "python"
    command = [
        str(installer if installer.exists() else PYTHON),
        str(ROOT / "stack" / "install.py"),
        PYTHON,
        str(LOCK),
        *platform,
        "--target",
        str(target),
    ]
    # It is compiled afterwards, for whoever runs it.
    environment = {**os.environ, "UV_COMPILE_BYTECODE": "0", "PIP_COMPILE": "0", "UV_LINK_MODE": "copy"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StackError("The libraries of the functions could not be installed.", done.stdout + done.stderr)


def _compile(directory: Path, target: Target | None) -> None:
    if target and target.version != this_version():
        # Bytecode is of one version: then each cold start compiles.
        return
    # By the hash of the source, unchecked: what unzips it gives it whichever date.
    how = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    # Some libraries carry files of other Pythons, which do not compile: then they are compiled when they are imported.
    subprocess.run([PYTHON, "-m", "compileall", *how, str(directory)], capture_output=True, check=False)  # noqa: S603


def _top_level(package: _Package) -> _Package:
    return package.partition(".")[0]


def _source_of(package: _Package) -> Path:
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise StackError(f"TASK_PACKAGES: there is no package {package!r} to be packed into the functions.")
    return Path(places[0])


def _contents(sources: Iterable[Path]) -> Iterator[bytes]:
    for source in sources:
        for file in _files(source):
            yield str(file.relative_to(source.parent)).encode()
            yield file.read_bytes()


def _files(directory: Path) -> list[Path]:
    return sorted(each for each in directory.rglob("*") if each.is_file() and "__pycache__" not in each.parts)


def _checksum(parts: Iterable[bytes]) -> str:
    checksum = sha256()
    for part in parts:
        checksum.update(sha256(part).digest())
    return checksum.hexdigest()[:16]


def _refuse_too_large(*directories: Path) -> None:
    size = sum(each.stat().st_size for directory in directories for each in directory.rglob("*") if each.is_file())
    if size > MOST_BYTES:
        raise StackError(f"The functions' package has {size:,} bytes, and Lambda takes {MOST_BYTES:,}, unzipped.")


def _zip(package: Path, directories: Iterable[Path]) -> None:
    unfinished = package.with_suffix(".unfinished")
    with writing(package), zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for directory in directories:
            for each in sorted(directory.rglob("*")):
                if each.is_file():
                    _add(file, each, str(each.relative_to(directory)))
    unfinished.rename(package)


def _add(file: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    # Whoever Lambda runs it as must be able to read it.
    entry.external_attr = 0o644 << 16
    file.writestr(entry, path.read_bytes())


def _remove_others(paths: Iterable[Path], kept: Path) -> None:
    for path in paths:
        if path == kept:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    install_libraries(say)
