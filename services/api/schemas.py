"""JSON schemas in an OpenAPI document: their names, and their forms of which generators make usable types. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_PREFIX = "#/components/schemas/"
REFERENCES = f"{_PREFIX}{{model}}"
"""How a schema of the document is referred to, for pydantic."""


def reference(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"{_PREFIX}{name}"}


def name_by_identifiers(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document's schemas, which have names and titles that are identifiers: FastAPI's need not be."""
    components = _by_identifiers(document, document["components"].pop("schemas"))
    document["components"]["schemas"] = components
    return components


def add_schema(components: dict[str, Any], name: str, schema: dict[str, Any], owner: str) -> dict[str, Any]:
    """Add a schema to the document and return a reference to it; its name begins with `owner` where it is taken."""
    while components.get(name, _titled(name, schema)) != _titled(name, schema):
        name = f"{owner}{name}"
    components[name] = _titled(name, schema)
    return reference(name)


def add_definitions(components: dict[str, Any], schemas: dict[str, dict[str, Any]]) -> None:
    """Make the document's what the schemas, by their owners, have in their `$defs`, and let them refer to it there.

    Definitions keep their names where all owners and the document mean the same by each of them. Else all of an owner's
    begin with the owner's name, as they refer to each other; those of every owner, so that no name is another schema's
    when another owner is there or comes first.
    """
    definitions = {owner: _by_identifiers(schema, schema.pop("$defs", {})) for owner, schema in schemas.items()}
    ambiguous = _ambiguous_names([components, *definitions.values()])
    clear = [owner for owner in schemas if ambiguous.isdisjoint(definitions[owner])]
    for owner in clear:
        components.update(definitions[owner])
    for owner in sorted(schemas.keys() - clear):
        prefix = _free_prefix(components, definitions[owner], owner)
        names = {name: f"{prefix}{name}" for name in definitions[owner]}
        _renamed({"schema": schemas[owner], "definitions": definitions[owner]}, names)
        components.update({names[name]: _titled(names[name], each) for name, each in definitions[owner].items()})


def _by_identifiers(user: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas with names that are identifiers, by which they and their user refer to them."""
    names: dict[str, str] = {}
    for name in schemas:
        identifier = re.sub(r"\W", "_", name)
        while identifier in names.values():
            identifier += "_"
        names[name] = identifier
    _renamed({"user": user, "schemas": schemas}, names)
    return {names[name]: _titled(names[name], schema) for name, schema in schemas.items()}


def _titled(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with its name as its title, by which some generators name what they make."""
    return {**schema, "title": name}


def _ambiguous_names(vocabularies: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names by which not all mean an equal schema."""
    meanings: dict[str, Any] = {}
    pairs = [pair for each in vocabularies for pair in each.items()]
    return {name for name, schema in pairs if meanings.setdefault(name, schema) != schema}


def _free_prefix(components: Mapping[str, Any], names: Iterable[str], owner: str) -> str:
    prefix = owner
    while any(f"{prefix}{name}" in components for name in names):
        prefix += owner
    return prefix


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
    # A property may have the name $ref, and a reference may lead out of the document.
    targets = [part["$ref"] for part in _objects_in(schema) if isinstance(part.get("$ref"), str)]
    return [target.removeprefix(_PREFIX) for target in dict.fromkeys(targets) if target.startswith(_PREFIX)]


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
                properties[each] = add_schema(components, own, _without_reference(schema), name)


def _without_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema, what it refers to being its only choice: generators pass over a name for another name."""
    match schema:
        case {"$ref": _, **beside}:
            return {"anyOf": [{"$ref": schema["$ref"]}], **beside}
        case _:
            return schema


def _pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[\W_]+", name))
