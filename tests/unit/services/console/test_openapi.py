"""Task types are read from an OpenAPI document."""

from typing import Any

import pytest

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.console.openapi import resolved, task_types_in
from services.task_types.loading import load_task_types

TASK_TYPES = load_task_types(["services.tasks"])


def document() -> dict[str, Any]:
    return create_app(ApiSettings(), TASK_TYPES).openapi()


def test_the_apis_own_document_lists_every_task_type() -> None:
    read = task_types_in(document(), {})

    assert [(each["name"], each["route"], each["summary"]) for each in read] == [
        (each.name, each.route, each.summary) for each in TASK_TYPES.values()
    ]


def test_the_schema_has_no_reference_left_and_describes_the_items() -> None:
    calculation = task_types_in(document(), {})[0]

    assert "$ref" not in str(calculation["schema"])
    item = calculation["schema"]["properties"]["message"]["items"]
    assert item["properties"]["operation"]["enum"] == ["+", "-", "*", "/"]


def test_the_example_is_the_one_of_the_documentation() -> None:
    calculation = task_types_in(document(), {})[0]

    assert calculation["example"]["callback_url"] == "http://localhost:9000/callback"
    assert calculation["example"]["message"]


def test_a_known_route_has_the_name_of_its_task_type() -> None:
    assert task_types_in(document(), {"/v1/calculation/basic": "sums"})[0]["name"] == "sums"


def test_what_stands_beside_a_reference_holds_too() -> None:
    schema = {"$ref": "#/components/schemas/A~1B", "description": "mine"}
    components = {"components": {"schemas": {"A/B": {"type": "string", "description": "theirs"}}}}

    assert resolved(schema, components) == {"type": "string", "description": "mine"}


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"type": "object", "properties": {"children": {"items": {"$ref": "#/components/schemas/Tree"}}}}

    read = resolved({"$ref": "#/components/schemas/Tree"}, {"components": {"schemas": {"Tree": tree}}})

    assert read == {"type": "object", "properties": {"children": {"items": {}}}}


@pytest.mark.parametrize(
    "text",
    [
        {},
        [],
        {"paths": {"/v1": {"post": {"tags": ["tasks"]}}}},
        {"paths": {"/v1": None}},
    ],
)
def test_another_document_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="not understood"):
        task_types_in(text, {})


def test_the_headers_of_a_task_are_fields_of_an_object() -> None:
    headers = task_types_in(document(), {})[0]["headers"]

    assert list(headers["properties"]) == ["Idempotency-Key", "Message-Group-Id", "Delay-Seconds"]
    assert headers["required"] == []
    assert (headers["properties"]["Delay-Seconds"]["minimum"], headers["properties"]["Delay-Seconds"]["maximum"]) == (
        0,
        900,
    )
