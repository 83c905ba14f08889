"""The names that a task type has in the OpenAPI document, of which generators of clients make identifiers. Pure."""

import re


def pascal_case(name: str) -> str:
    """Return the name of a task type as part of an identifier: `word-count` as `WordCount`.

    No two names give the same: where a hyphen is not followed by a letter, which would show it, it is an underscore.
    """
    return re.sub("-([a-z])|^([a-z])|-", lambda found: (found[1] or found[2] or "_").upper(), name)


def schema_name(name: str, kind: str) -> str:
    """Return the name of a schema of a task type, `kind` being what it is of: `WordCountRequest`.

    One that would begin with a digit, as no identifier does, begins with `Task`; no other has an underscore there.
    """
    pascal = pascal_case(name)
    return f"Task{pascal}_{kind}" if pascal[0].isdigit() else f"{pascal}{kind}"


def operation_id(name: str) -> str:
    """Return the id of the operation that accepts tasks of the type: `submitWordCount`."""
    return f"submit{pascal_case(name)}"
