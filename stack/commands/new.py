"""The command `new`: writes a project of one's own task types, which runs and is tested as it is.

Its Makefile, Dockerfile and so on are those of examples/own_task_types, which the tests run; its first task type and
what tests it are in examples/new_project.
"""

import os
import re
import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from services.queues import define_queues
from services.task_types.loading import load_task_types
from services.task_types.names import schema_name
from services.task_types.task_type import is_task_type_name
from stack.config import ROOT
from stack.errors import StackError, writing
from stack.task_types import OWN_PACKAGE
from stack.terminal import say, show_json

EXAMPLE = ROOT / "examples" / "own_task_types"
TEMPLATE = ROOT / "examples" / "new_project"

SCAFFOLDING = (
    ".dockerignore",
    ".github/workflows/tests.yml",
    ".gitignore",
    "Dockerfile",
    "Makefile",
    "conftest.py",
    "pyproject.toml",
)
"""What is the same in each project, but for the names."""

_PLACE_OF_CLONE = "../async-tasks"

_REQUIREMENTS = "# What the task types need besides the stack's own libraries, whose versions stay as they are.\n"


def new(name: str, package: str | None, directory: Path | None, *, as_json: bool) -> None:
    """Write the project, and say how to go on.

    Raises `StackError` where a name cannot be used, or the folder is there already.
    """
    require_name(name)
    package = package or name.replace("-", "_")
    require_package(package)
    folder = (directory or ROOT.parent / name).expanduser().resolve()
    if folder.exists():
        raise StackError(f"{folder} is there already: name another folder with DIRECTORY=…, or move it away.")
    files = project_files(name, package, Path(os.path.relpath(ROOT, folder)))
    with writing(folder):
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    if as_json:
        show_json({"folder": str(folder), "files": sorted(files)})
        return
    say(f"A project with the task type {name} is in {folder}. Its work is done in {package}/tasks/{_module(name)}.py.")
    say(f"\nTry it:\ncd {shlex.quote(str(folder))}\nmake up\nmake submit TYPE={name} WAIT=1")
    say("\nThen: make test · make test-stack · make · README.md")


def require_name(name: str) -> None:
    """Raise `StackError` where there can be no task type of that name."""
    if not is_task_type_name(name):
        raise StackError(
            f"NAME={name} is no name of a task type, which has 1 to 48 lower-case letters, digits or hyphens, and no"
            " end in -dlq: make new NAME=invoice-pdf"
        )
    if name in define_queues(load_task_types([OWN_PACKAGE])):
        raise StackError(f"NAME={name} is taken: the stack has a queue of that name. Choose another one.")


def require_package(package: str) -> None:
    """Raise `StackError` where Python could not import a package of that name, or imports another one by it."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", package) or iskeyword(package):
        raise StackError(f"{package} is no name of a package of Python: choose another one with PACKAGE=…")
    if find_spec(package):
        raise StackError(f"Python has a package {package} already: choose another name with PACKAGE=…")


def project_files(name: str, package: str, clone: Path) -> Mapping[str, str]:
    """Return the project's files, by their paths in its folder; `clone` is this one's, from there."""
    texts = {path: (EXAMPLE / path).read_text(encoding="utf-8") for path in SCAFFOLDING}
    for file in TEMPLATE.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            texts[str(file.relative_to(TEMPLATE))] = file.read_text(encoding="utf-8")
    named = {renamed(path, name, package): renamed(text, name, package) for path, text in texts.items()}
    for path in ("Makefile", "README.md"):
        named[path] = named[path].replace(_PLACE_OF_CLONE, str(clone))
    return {**named, "requirements.txt": _REQUIREMENTS}


def renamed(text: str, name: str, package: str) -> str:
    """Return a text of the template with the names of the project. Pure."""
    names = {
        "new_task_type": _module(name),
        "new-task-type": name,
        "NewTaskType": schema_name(name, ""),
        "acme": package,
    }
    return re.sub("|".join(names), lambda found: names[found[0]], text)


def _module(name: str) -> str:
    """The name of its module: one that Python can import."""
    module = name.replace("-", "_")
    return module if module.isidentifier() and not iskeyword(module) else f"task_{module}"
