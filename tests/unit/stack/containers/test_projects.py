"""Which Compose project a stack has."""

from pathlib import Path

import pytest

from stack.config import DEFAULT_DIRECTORY, ROOT
from stack.containers.projects import (
    OF_EARLIER_VERSIONS,
    Choice,
    ProjectContainer,
    choose_project,
    default_project,
    require_own,
)
from stack.errors import StackError

PLAIN = default_project(ROOT)
ELSEWHERE = Path("/home/somebody/elsewhere") / ROOT.name


def chosen(
    *containers: ProjectContainer,
    volumes_of: str = "",
    directory: Path = DEFAULT_DIRECTORY,
    is_of_earlier_version: bool = False,
) -> Choice:
    return choose_project(
        directory, containers, lambda project: project == volumes_of, is_of_earlier_version=is_of_earlier_version
    )


def test_it_is_that_of_plain_compose_where_nobody_has_it() -> None:
    assert chosen() == Choice(PLAIN)
    assert chosen(ProjectContainer("another", ELSEWHERE, "api"), volumes_of="another") == Choice(PLAIN)


def test_what_plain_compose_has_started_in_this_folder_is_the_stack() -> None:
    assert chosen(ProjectContainer(PLAIN, ROOT, "api"), volumes_of=PLAIN) == Choice(PLAIN)


def test_what_an_earlier_version_has_started_in_this_folder_is_the_stack() -> None:
    choice = chosen(ProjectContainer(OF_EARLIER_VERSIONS, ROOT, "api"))

    assert choice.name == OF_EARLIER_VERSIONS
    assert "earlier version" in choice.reason


def test_what_an_earlier_version_has_started_for_a_stack_dir_is_the_stack_where_it_was_noted(tmp_path: Path) -> None:
    container = ProjectContainer(OF_EARLIER_VERSIONS, ROOT, "api")

    noted = chosen(container, directory=tmp_path, is_of_earlier_version=True)

    assert noted.name == OF_EARLIER_VERSIONS
    assert chosen(container, directory=tmp_path).name != OF_EARLIER_VERSIONS


@pytest.mark.parametrize("others", [[ELSEWHERE], [ELSEWHERE, ROOT]])
def test_another_clone_s_is_not_taken_and_its_folder_named(others: list[Path]) -> None:
    choice = chosen(*(ProjectContainer(PLAIN, folder, "api") for folder in others))

    assert choice.name.startswith(f"{PLAIN}-")
    assert choice.reason == f"{PLAIN} is that of {min(others)}"


def test_data_of_which_nothing_is_known_is_not_taken() -> None:
    choice = chosen(volumes_of=PLAIN)

    assert choice.name.startswith(f"{PLAIN}-")
    assert f"COMPOSE_PROJECT_NAME={PLAIN}" in choice.reason


def test_each_stack_dir_has_its_own_and_always_the_same(tmp_path: Path) -> None:
    directories = [tmp_path / "a", tmp_path / "b"]
    names = [chosen(directory=directory).name for directory in directories]

    assert len({PLAIN, *names}) == 3
    assert [chosen(directory=directory).name for directory in directories] == names


@pytest.mark.parametrize(
    ("folder", "project"), [("Async_Tasks", "async_tasks"), ("_my.app (2)", "myapp2"), ("Задачи", ""), ("-x", "x")]
)
def test_the_folder_s_name_is_read_as_compose_reads_it(folder: str, project: str) -> None:
    assert default_project(Path("/srv") / folder) == project


def test_a_project_of_another_folder_is_refused_by_the_folder_s_name(tmp_path: Path) -> None:
    mine, another = ProjectContainer("shared", ROOT, "api"), ProjectContainer("shared", tmp_path, "api")

    require_own("shared", [mine])
    with pytest.raises(StackError, match=f"^The Compose project shared is that of {tmp_path}"):
        require_own("shared", [mine, another])


def test_a_folder_that_is_gone_was_moved_here_or_has_nobody_who_could_use_it(tmp_path: Path) -> None:
    require_own("shared", [ProjectContainer("shared", tmp_path / "moved", "api")])
