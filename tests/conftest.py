"""How the tests are spread over processes: those that share a stack, or a LocalStack, stay together.

And what of Hypothesis holds for all of them, and that each test has an id of its own.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # pytest-xdist has no types

# The first that a path begins with. Each of the two parts of the integration tests has a LocalStack of its own.
_TOGETHER = ("tests/end_to_end/", "tests/integration/services/dlq", "tests/integration/")

# How long an example takes, or how long it takes to make one, says something of the machine: it is a shared one.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # the same
    """One process for all tests of such a folder, any for a file of unit tests."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return next((folder for folder in _TOGETHER if path.startswith(folder)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling:
    return FolderScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that share an id: pytest-xdist, which knows tests by it, runs the first of them and no other."""
    shared = [nodeid for nodeid, times in Counter(item.nodeid for item in items).items() if times > 1]
    if shared:
        raise pytest.UsageError(f"these ids are shared by more than one test each: {', '.join(shared)}")
