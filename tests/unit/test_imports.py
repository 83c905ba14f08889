"""To import a module does nothing: it reads no setting, so none can keep a program from saying how it is used."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stack.config import ROOT
from stack.native.fingerprint import EXAMPLE, setting_names

SETTINGS = [*setting_names(EXAMPLE.read_text()), "CONSOLE_API_DOCS_URL", "LOCALSTACK_PYTHON", "LOG_LEVEL"]

# Imports the modules that are its further arguments, and prints what they have raised, and read of the environment: as
# far as the code of the folder that is its first argument asked for it. Libraries have variables of their own.
IMPORT_ALL = """
import importlib, json, os, sys

folder, *modules = sys.argv[1:]
module, reads, raised = "", {}, {}

def is_ours(frame):
    while frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame.f_code.co_filename.startswith(folder)

def noted(method, names=lambda name, *_default: name):
    def read(self, *arguments):
        if is_ours(sys._getframe()):
            reads.setdefault(names(*arguments), module)
        return method(self, *arguments)
    return read

def everything():
    return "all of it"

one_by_one = {name: noted(getattr(dict, name)) for name in ("__getitem__", "__contains__", "get")}
at_once = {name: noted(getattr(dict, name), everything) for name in ("__iter__", "copy", "items", "keys", "values")}
Recording = type("Recording", (dict,), one_by_one | at_once)

os.environ = Recording(os.environ)
for module in modules:
    try:
        importlib.import_module(module)
    except BaseException as error:
        raised[module] = repr(error)
print(json.dumps({"reads": reads, "raised": raised}))
"""


def modules_of(package: str) -> list[str]:
    files = sorted((ROOT / package).rglob("*.py"))
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]


def import_all(modules: list[str], folder: Path, directory: Path) -> dict[str, Any]:
    hostile = dict.fromkeys(SETTINGS, "://")
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", IMPORT_ALL, str(folder), *modules],
        cwd=directory,
        env={**os.environ, **hostile, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def is_function(module: str) -> bool:
    """Lambda imports the module of a handler to set the function up, which is its INIT, as a program's `main` is."""
    return module.endswith(".aws_lambda")


def test_no_module_reads_a_setting_or_ends_the_program_when_it_is_imported(tmp_path: Path) -> None:
    modules = [module for package in ("services", "stack", "receiver", "web") for module in modules_of(package)]
    seen = import_all([module for module in modules if not is_function(module)], ROOT, tmp_path)

    assert seen["raised"] == {}
    assert {name: module for name, module in seen["reads"].items() if name in {*SETTINGS, "all of it"}} == {}


def test_a_module_that_reads_one_is_found(tmp_path: Path) -> None:
    (tmp_path / "reader.py").write_text("import os\nos.getenv('LOG_LEVEL')\n")
    (tmp_path / "collector.py").write_text("import os\nos.environ.copy()\n")
    (tmp_path / "delegator.py").write_text("import posixpath\nposixpath.expandvars('$HOME')\n")
    (tmp_path / "leaver.py").write_text("raise SystemExit(78)\n")

    seen = import_all(["reader", "delegator", "collector", "leaver"], tmp_path, tmp_path)

    found = {name: seen["reads"].get(name) for name in ("LOG_LEVEL", "HOME", "all of it")}
    assert found == {"LOG_LEVEL": "reader", "HOME": "delegator", "all of it": "collector"}
    assert seen["raised"] == {"leaver": "SystemExit(78)"}


def test_what_consumes_queues_loads_no_task_type() -> None:
    modules = [module for module in modules_of("services") if module.startswith("services.queueing")]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603

    loaded = set(done.stdout.split())
    assert "services.queueing.consumer" in loaded
    assert {module for module in loaded if module.startswith(("services.task_types", "services.tasks"))} == set()


@pytest.mark.parametrize("command", ["up", "submit", "demo", "ps"])
def test_a_setting_that_cannot_work_keeps_nobody_from_the_help(command: str) -> None:
    hostile = {**dict.fromkeys(SETTINGS, "://"), "ALLOWED_PRIVATE_TARGETS": "http://x"}
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "stack", command, "--help"],
        cwd=ROOT,
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert f"python -m stack {command}" in done.stdout
