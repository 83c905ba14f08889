"""JSON schemas in an OpenAPI document: their names, and their forms of which generators make usable types. Pure."""

import re
from collections.abc import Iterator
from typing import Any

_PREFIX = "#/components/schemas/"
REFERENCES = f"{_PREFIX}{{model}}"
"""How a schema of the document is referred to, for pydantic."""


def reference(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"{_PREFIX}{name}"}


def name_by_identifiers(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document's schemas, which have names that are identifiers: FastAPI's need not be."""
    schemas = document["components"]["schemas"]
    names = {name: _identifier(name) for name in schemas}
    document["components"]["schemas"] = {names[name]: schema for name, schema in schemas.items()}
    _renamed(document, names)
    components: dict[str, Any] = document["components"]["schemas"]
    return components


def add_schema(components: dict[str, Any], name: str, schema: dict[str, Any], owner: str) -> dict[str, Any]:
    """Add a schema to the document and return a reference to it; its name begins with `owner` where it is taken."""
    name = _free_name(components, name, schema, owner)
    components[name] = schema
    return reference(name)


def without_definitions(components: dict[str, Any], schema: dict[str, Any], owner: str) -> dict[str, Any]:
    """Return a schema whose `$defs` are the document's; their names begin with `owner` where they are taken."""
    definitions = schema.pop("$defs", {})
    names = {name: _free_name(components, name, definition, owner) for name, definition in definitions.items()}
    for name, definition in definitions.items():
        components[names[name]] = _renamed(definition, names)
    return _renamed(schema, names)


def _free_name(components: dict[str, Any], name: str, schema: dict[str, Any], owner: str) -> str:
    name = _identifier(name)
    while components.get(name, schema) != schema:
        name = f"{owner}{name}"
    return name


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _renamed(schema: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return the schema, each of its references being to the schema's new name."""
    targets = {f"{_PREFIX}{name}": f"{_PREFIX}{new}" for name, new in names.items()}
    for part in _objects_in(schema):
        match part:
            case {"$ref": str() as target} if target in targets:
                part["$ref"] = targets[target]
            case {"discriminator": {"mapping": dict() as mapping}}:
                mapping.update({value: targets.get(target, target) for value, target in mapping.items()})
    return schema


def _objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _objects_in(each)


def _reachable(components: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Return the names of all schemas that one refers to, and that these do."""
    found = _names_in(schema)
    for each in found:
        found.extend(other for other in _names_in(components[each]) if other not in found)
    return found


def _names_in(schema: dict[str, Any]) -> list[str]:
    # A property may have the name $ref.
    targets = [part["$ref"] for part in _objects_in(schema) if isinstance(part.get("$ref"), str)]
    return [target.removeprefix(_PREFIX) for target in dict.fromkeys(targets)]


def name_what_has_a_default(components: dict[str, Any], request: dict[str, Any]) -> None:
    """Give what may be left out of a request, as it has a default, a schema of its own.

    openapi-typescript takes a property that has a `default` beside it for one that is always there. `request` refers to
    the request's schema.
    """
    for name in _reachable(components, request):
        properties = components[name].get("properties", {})
        for each, schema in properties.items():
            if "default" in schema:
                own = f"{name}{_pascal_case(each)}"
                properties[each] = add_schema(components, own, {**_without_reference(schema), "title": own}, name)


def _without_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema, what it refers to being its only choice: generators pass over a name for another name."""
    match schema:
        case {"$ref": _, **beside}:
            return {"anyOf": [{"$ref": schema["$ref"]}], **beside}
        case _:
            return schema


def _pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[\W_]+", name))
