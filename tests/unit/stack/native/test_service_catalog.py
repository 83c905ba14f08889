"""LocalStack's index of services goes from one start of it to the next."""

from pathlib import Path

import pytest

from stack.native.service_catalog import hand_over_catalog, keep_catalog

NAME = "service-catalog-4_13_1-1_42_34.dill"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    (tmp_path / "environment").mkdir()
    return tmp_path / "environment"


def localstack_with(directory: Path, catalog: str) -> Path:
    """The directory of a LocalStack that has made this catalog."""
    file = directory / "var" / "lib" / "localstack" / "cache" / NAME
    file.parent.mkdir(parents=True)
    file.write_text(catalog)
    return directory


def catalogs_of(directory: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in directory.rglob("service-catalog-*")}


def test_what_one_has_made_the_next_has(environment: Path, tmp_path: Path) -> None:
    keep_catalog(localstack_with(tmp_path / "first", "index"), environment)
    hand_over_catalog(environment, tmp_path / "second")

    assert catalogs_of(tmp_path / "second") == catalogs_of(environment) == {NAME: "index"}


def test_what_is_kept_is_not_written_again(environment: Path, tmp_path: Path) -> None:
    keep_catalog(localstack_with(tmp_path / "first", "index"), environment)
    keep_catalog(localstack_with(tmp_path / "second", "another"), environment)

    assert catalogs_of(environment) == {NAME: "index"}


def test_what_a_killed_localstack_has_left_is_not_taken_for_a_whole_one(environment: Path, tmp_path: Path) -> None:
    killed = localstack_with(tmp_path / "killed", "ind")

    hand_over_catalog(environment, killed)

    assert catalogs_of(killed) == {}


def test_where_there_is_no_environment_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    first = localstack_with(tmp_path / "first", "index")

    keep_catalog(first, tmp_path / "no-environment")
    hand_over_catalog(tmp_path / "no-environment", tmp_path / "second")

    assert catalogs_of(tmp_path / "second") == {}
