"""How the tests are spread over processes: those that share a stack, or a LocalStack, stay together."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # pytest-xdist has no types

_TOGETHER = {"end_to_end", "integration"}


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # the same
    """One process for all tests of such a folder, any for a file of unit tests."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        folder = path.split("/")[1]
        return folder if folder in _TOGETHER else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling:
    return FolderScheduling(config, log)
