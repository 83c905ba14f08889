"""The one zip file of all functions: what they need of the libraries, the services' code, and the bytecode of both.

Lambda's copy of the code cannot be written, so that without bytecode each cold start would compile it.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from services.task_types.loading import TaskTypes
from stack.config import REQUIREMENTS, ROOT
from stack.errors import StackError, writing
from stack.interpreter import PYTHON, environment_beside
from stack.requirement_files import requirement_files
from stack.task_types import aws_services_of
from stack.terminal import OnProgress, say

LOCK = ROOT / "requirements" / "functions.txt"

MOST_BYTES = 262_144_000
"""Of the unzipped package. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

PACKAGES = ("receiver", "services", "web")
"""Those of this project that every function has; the packages of task types come with them."""

# botocore describes each service of AWS, which is half of all that is installed: those are packed that are called.
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


@dataclass(frozen=True)
class Contents:
    """What a package has besides the services and their libraries: task types, and what they need."""

    task_packages: Sequence[_Package]
    requirements: Path | None = None
    """The file of a project of one's own task types that says which libraries these need, where there is one."""
    aws_services: Sequence[str] = ()
    """Those of AWS besides SQS that they call by the SDK."""


def contents_of(task_packages: Sequence[_Package], task_types: TaskTypes) -> Contents:
    """Return what the task types of these packages need."""
    return Contents(task_packages, REQUIREMENTS if REQUIREMENTS.is_file() else None, aws_services_of(task_types))


def build(directory: Path, contents: Contents, on_progress: OnProgress, *, target: Target | None = None) -> Path:
    """Build the package in the directory, where it has changed, and return the zip file.

    `target`: None is this machine. Raises `StackError` where a package of task types is not to be found, a library
    cannot be had, or AWS has no such service.
    """
    libraries = [install_libraries(on_progress, target=target)]
    if contents.requirements:
        libraries.append(_install_requirements(contents.requirements, directory, on_progress, target))
    described = sorted({*_DESCRIBED, *contents.aws_services})
    _require_descriptions(libraries, described)
    packages = dict.fromkeys([*PACKAGES, *map(_top_level, contents.task_packages)])
    sources = [_source_of(package) for package in packages]
    parts = [*(each.name.encode() for each in libraries), repr(described).encode()]
    package = directory / f"functions-{_checksum([*parts, *_contents(sources)])}.zip"
    if not package.exists():
        on_progress("Packing the functions: the services' code and what it needs.")
        code = directory / "code"
        with writing(directory):
            shutil.rmtree(code, ignore_errors=True)
            for source in sources:
                shutil.copytree(source, code / source.name, ignore=_LEFT_OUT)
            # The page of a program that is none of the functions.
            shutil.rmtree(code / "services" / "console" / "static")
        _compile(code, target)
        files = _files_by_name([*libraries, code], described)
        _refuse_too_large(files.values())
        _zip(package, files)
        _remove_others(directory.glob("functions-*.zip"), package)
    return package


def install_libraries(on_progress: OnProgress, *, target: Target | None = None) -> Path:
    """Install the services' libraries as their lock says, and compile them, where that is not done.

    Return their folder, which all stacks share, as they do the virtual environments. Raises `StackError` where one
    cannot be had.
    """
    kind = f"libraries-{target.machine if target else 'here'}"
    libraries = environment_beside(_FOLDER) / f"{kind}-{_checksum(_what_decides(LOCK, target))}"
    if not libraries.is_dir():
        on_progress("Installing the libraries of the functions (once).")
        _install([str(LOCK)], libraries, target, "The libraries of the functions could not be installed.")
        _remove_others(libraries.parent.glob(f"{kind}-*"), libraries)
    return libraries


def _install_requirements(requirements: Path, directory: Path, on_progress: OnProgress, target: Target | None) -> Path:
    """Install what somebody's task types need into a folder of its own, what the lock has as the lock has it."""
    decides = [*(each.read_bytes() for each in requirement_files(requirements)), *_what_decides(LOCK, target)]
    libraries = directory / f"libraries-{_checksum(decides)}"
    if not libraries.is_dir():
        on_progress(f"Installing what {requirements} asks for into the functions' package.")
        for_whom = f" for {target.machine} and Python {target.version}, as wheels alone" if target else ""
        failure = f"What {requirements} asks for could not be installed{for_whom}."
        _install([str(requirements), "--within", str(LOCK)], libraries, target, failure)
        _remove_others(directory.glob("libraries-*"), libraries)
    return libraries


def _what_decides(lock: Path, target: Target | None) -> list[bytes]:
    return [lock.read_bytes(), this_version().encode(), repr(target).encode()]


def _install(what: Sequence[str], libraries: Path, target: Target | None, failure: str) -> None:
    """Install into the folder, which is there when all of it is. Raises `StackError` with that line where it fails."""
    unfinished = libraries.with_name(f"unfinished-{os.getpid()}")
    with writing(libraries.parent):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
    try:
        _run_installer([*what, *_for_platform(target), "--target", str(unfinished)], failure)
        for unused in ("bin", "share"):
            shutil.rmtree(unfinished / unused, ignore_errors=True)
        _refuse_editable(unfinished)
        _compile(unfinished, target)
        _move(unfinished, libraries)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _for_platform(target: Target | None) -> list[str]:
    return ["--for", target.linux_machine, target.version] if target else []


def _refuse_editable(libraries: Path) -> None:
    """Raise `StackError` where one is elsewhere on this machine.

    https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
    """
    for file in libraries.glob("*.dist-info/direct_url.json"):
        if json.loads(file.read_text()).get("dir_info", {}).get("editable"):
            name = file.parent.name.partition("-")[0]
            raise StackError(
                f"requirements.txt: {name} is editable (-e), and would not be in the functions' package:"
                " name its folder alone."
            )


def _move(unfinished: Path, libraries: Path) -> None:
    try:
        unfinished.rename(libraries)
    except OSError:
        # Somebody else has been as fast.
        if not libraries.is_dir():
            raise


def _run_installer(arguments: Sequence[str], failure: str) -> None:
    installer = environment_beside("uv") / "bin" / "python"
    command = [
        str(installer if installer.exists() else PYTHON),
        str(ROOT / "stack" / "install.py"),
        PYTHON,
        *arguments,
    ]
    # It is compiled afterwards, for whoever runs it.
    environment = {**os.environ, "UV_COMPILE_BYTECODE": "0", "PIP_COMPILE": "0", "UV_LINK_MODE": "copy"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StackError(failure, done.stdout + done.stderr)


def _require_descriptions(libraries: Iterable[Path], services: Iterable[str]) -> None:
    """Raise `StackError` where botocore describes no such service of AWS."""
    there = {each.name for folder in libraries for each in (folder / _DESCRIPTIONS).glob("*") if each.is_dir()}
    for service in services:
        if service not in there:
            near = ", ".join(get_close_matches(service, there)) or "none is like it"
            raise StackError(f"aws_services: botocore knows no service {service!r} of AWS ({near}).")


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


def _files_by_name(folders: Iterable[Path], described: Collection[str]) -> dict[str, Path]:
    """Return what is packed, by its name in the package; what several folders have is the first one's."""
    files: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder)
            if file.is_file() and not _is_unused_description(name, described):
                files.setdefault(str(name), file)
    return files


def _is_unused_description(name: Path, described: Collection[str]) -> bool:
    service = name.parts[len(_DESCRIPTIONS.parts) :]
    return name.is_relative_to(_DESCRIPTIONS) and len(service) > 1 and service[0] not in described


def _refuse_too_large(files: Iterable[Path]) -> None:
    size = sum(each.stat().st_size for each in files)
    if size > MOST_BYTES:
        raise StackError(f"The functions' package has {size:,} bytes, and Lambda takes {MOST_BYTES:,}, unzipped.")


def _zip(package: Path, files: Mapping[str, Path]) -> None:
    unfinished = package.with_suffix(".unfinished")
    with writing(package), zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, path in files.items():
            _add(file, path, name)
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
