"""A stack in containers, of the project's files alone, for what is special there."""

from collections.abc import Iterator

import pytest

from tests.containers.container_stack import ContainerStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerStack]:
    stack = ContainerStack(tmp_path_factory.mktemp("containers"))
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()
