"""The API against its own OpenAPI document: whatever is sent, allowed by it or not, is answered as documented.

Schemathesis makes the requests and checks each answer's status, headers and body against the document; and that what
the document allows is accepted, and what it forbids is refused.
"""

from importlib import import_module
from types import ModuleType

import pytest
from pydantic import SecretStr

from services.api.pending import PendingTasks
from services.task_types.loading import load_task_types

KEY = "first-key-0123456789"
TASK_OPERATIONS = [f"POST {each.route}" for each in load_task_types(["services.tasks"]).values()]
OPERATIONS = ["GET /", "GET /healthcheck", "GET /readyz", *TASK_OPERATIONS]


@pytest.fixture(scope="module")
def calls() -> ModuleType:
    """What calls the API, loaded where its tests run alone: Schemathesis takes half a second of each process."""
    return import_module("tests.unit.services.api.calls_by_document")


def test_each_operation_of_the_document_is_checked(calls: ModuleType) -> None:
    assert sorted(calls.documented_operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_allowed_is_accepted_and_all_else_refused_as_documented(calls: ModuleType, operation: str) -> None:
    calls.check(calls.document_of(), operation)


@pytest.mark.parametrize("operation", TASK_OPERATIONS)
def test_nothing_but_the_documented_500_comes_of_a_broker_that_is_gone(calls: ModuleType, operation: str) -> None:
    calls.check(calls.document_of(works=False, expected=500), operation)


@pytest.mark.parametrize("operation", TASK_OPERATIONS)
def test_nothing_but_the_documented_503_comes_of_overload(calls: ModuleType, operation: str) -> None:
    calls.check(calls.document_of(pending=PendingTasks(most=0, most_bytes=0), expected=503), operation)


@pytest.mark.parametrize("operation", TASK_OPERATIONS)
def test_keys_are_needed_where_they_are_documented(calls: ModuleType, operation: str) -> None:
    calls.check(calls.document_of(api_keys=[SecretStr(KEY)]), operation, headers={"X-API-Key": KEY})
