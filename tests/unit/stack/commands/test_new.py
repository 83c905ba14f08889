"""What `make new` writes, and what it refuses."""

import ast
import re
from pathlib import Path

import pytest

from stack.commands.new import EXAMPLE, SCAFFOLDING, new, project_files, renamed, require_name, require_package
from stack.config import ROOT
from stack.errors import StackError


def files_of(name: str = "invoice-mail", package: str = "shop") -> dict[str, str]:
    return dict(project_files(name, package, Path("../clone")))


def test_the_folder_has_what_the_example_has_by_the_names_of_the_project() -> None:
    files = files_of()

    assert {"shop/__init__.py", "shop/tasks/invoice_mail.py", "tests/test_on_a_stack.py", "README.md"} < files.keys()
    for path in set(SCAFFOLDING) - {"Makefile"}:
        assert files[path] == (EXAMPLE / path).read_text().replace("acme", "shop")


def test_no_name_of_the_template_is_left() -> None:
    for path, text in files_of().items():
        assert not re.search(r"acme|new.?task.?type|\.\./async-tasks", path + text, re.IGNORECASE), path


def test_all_its_code_can_be_read() -> None:
    for path, text in files_of("2fa", "two").items():
        if path.endswith(".py"):
            ast.parse(text, path)


def test_a_module_has_a_name_that_python_can_import() -> None:
    assert "two/tasks/task_2fa.py" in files_of("2fa", "two")
    assert renamed("new_task_type new-task-type NewTaskType", "class", "shop") == "task_class class Class"


def test_its_makefile_finds_the_clone_from_where_the_project_is(tmp_path: Path) -> None:
    new("invoice-mail", "shop", tmp_path / "deep" / "shop", as_json=True)

    [place] = re.findall(r"^ASYNC_TASKS \?= (.*)$", (tmp_path / "deep/shop/Makefile").read_text(), re.MULTILINE)
    assert (tmp_path / "deep/shop" / place).resolve() == ROOT


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(StackError, match="is there already: name another folder with DIRECTORY="):
        new("invoice-mail", "shop", tmp_path, as_json=True)
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["", "Invoice", "invoice_mail", "-x", "x-dlq", "a" * 49, "../x"])
def test_a_name_that_no_task_type_can_have_is_refused(name: str) -> None:
    with pytest.raises(StackError, match=re.escape(f"NAME={name} is no name of a task type")):
        require_name(name)


@pytest.mark.parametrize("name", ["callbacks", "alerts", "undelivered", "calculation", "data"])
def test_a_name_that_the_stack_has_itself_is_refused(name: str) -> None:
    with pytest.raises(StackError, match=f"^NAME={name} is taken: the stack has a queue of that name"):
        require_name(name)


def test_a_tilde_is_the_home_of_who_calls_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    new("invoice-mail", "shop", Path("~/shop"), as_json=True)

    assert (tmp_path / "shop" / "Makefile").exists()


@pytest.mark.parametrize("package", ["", "2fa", "class", "a-b", "Shop", "a.b"])
def test_a_package_that_python_cannot_import_is_refused(package: str) -> None:
    with pytest.raises(StackError, match="is no name of a package of Python: choose another one with PACKAGE="):
        require_package(package)


@pytest.mark.parametrize("package", ["json", "services", "stack", "httpx2"])
def test_so_is_one_that_python_imports_something_else_by(package: str) -> None:
    with pytest.raises(StackError, match=f"^Python has a package {package} already"):
        require_package(package)
