#!/bin/sh
# pydantic's serializer, told to raise for what is of another type, writes a value that its Literal does not have.
#
# Version: pydantic==2.14.3
# Expected: with warnings="error" a value that is none of the type's raises, as a text does where an int is declared.
# Behaviour: a text that is none of the Literal's, and a number beyond its bound, are written as they are, without a word: what
#   the JSON schema of the same type says does not hold of what is written.
# Seen on 2026-11-29, CPython 3.11.7:
#   int: raises
#   Literal: "b"
#   constrained int: 7
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq pydantic==2.14.3
cat >serialize.py <<'PYTHON'
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter
from pydantic_core import PydanticSerializationError

for what, kind, value in (
    ("int", int, "x"),
    ("Literal", Literal["a"], "b"),
    ("constrained int", Annotated[int, Field(le=5)], 7),
):
    try:
        print(f"{what}: {TypeAdapter(kind).dump_json(value, warnings='error').decode()}")
    except PydanticSerializationError:
        print(f"{what}: raises")
PYTHON
seen=$(timeout 60 venv/bin/python serialize.py)
echo "$seen"
[ "$seen" = 'int: raises
Literal: "b"
constrained int: 7' ]
