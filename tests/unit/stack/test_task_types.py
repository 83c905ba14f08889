"""What a command of the stack says where task types cannot be loaded."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from stack.commands.generate import own_queues_json
from stack.errors import StackError
from stack.task_types import task_types_of

Module = Callable[[str], Path]
"""Writes a module of a package of its own; its folder is the package's."""

DECLARED = """
from services.task_types import TaskItem, TaskType

async def run(item, context) -> "datetime.nope":
    ...

TASK_TYPE = TaskType(name="shout", route="/v1/shout", summary="Shout", item=TaskItem, run=run, example=[])
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    name = f"refused_tasks_{uuid4().hex}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def write(code: str) -> Path:
        (folder / "shout.py").write_text(code)
        return folder

    yield write
    for each in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[each]


@pytest.mark.parametrize(
    "load", [lambda name: task_types_of({"TASK_PACKAGES": name}), own_queues_json], ids=["a project's", "the clone's"]
)
def test_a_refusal_is_one_line_with_its_place_and_no_traceback(load: Callable[[str], Any], module: Module) -> None:
    package = module(DECLARED)

    with pytest.raises(
        StackError, match=r"^task type 'shout': what `run` declares to return, 'datetime\.nope', "
    ) as raised:
        load(package.name)

    assert str(raised.value).endswith(f"({package / 'shout.py'}, line 7)")
    assert "\n" not in str(raised.value)
    assert raised.value.evidence == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [("int('many')", "ValueError: invalid literal for int"), ("import no_such", "ModuleNotFoundError")],
)
def test_whatever_else_a_module_raises_is_told_with_what_led_to_it(module: Module, code: str, said: str) -> None:
    package = module(code)

    with pytest.raises(StackError, match=f"^The task types cannot be loaded: {said}") as raised:
        task_types_of({"TASK_PACKAGES": package.name})

    assert str(package / "shout.py") in raised.value.evidence
