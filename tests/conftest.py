"""How the tests are spread over processes: those that share a stack, or a LocalStack, stay together."""

from pathlib import Path

import pytest

_TOGETHER = ("end_to_end", "integration")
_TESTS = Path(__file__).parent


# Before pytest-xdist reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(_TESTS).parts[0]
        if folder in _TOGETHER:
            item.add_marker(pytest.mark.xdist_group(folder))
