"""Projects of one's own task types, each in a folder beside nothing of ours, by the commands of their own Makefiles."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.own_task_types.project import Project


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The example, without our own task types; whatever a test leaves of it is stopped and removed."""
    project = Project.copied_to(tmp_path_factory.mktemp("projects") / "acme")
    yield project
    project.make("clean", FORCE="1")


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """What `make new` writes."""
    project = Project.new(tmp_path_factory.mktemp("projects") / "word-stats", "word-stats")
    yield project
    project.make("clean", FORCE="1")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Project]:
    """A copy of the example for a test that changes it; what it makes on the engine nobody else has the name of."""
    project = Project.copied_to(tmp_path / f"scratch-{uuid4().hex[:8]}")
    yield project
    project.make("clean", FORCE="1")
