#!/bin/sh
# openapi-python-client drops a schema, and all that refers to it, whose title another schema has too.
#
# Version: openapi-python-client==0.29.1
# Expected: a class is named by the key of its schema in components, which is unique; a title is a text for people
#   (JSON Schema 2020-12 validation, section 9.1).
# Behaviour: the title names the class. Of two schemas with one title, such as pydantic gives to two models that share their name,
#   the second is left out with a warning, and an operation that answers with it parses no answer; the exit status is 0.
# Seen on 2026-11-29, CPython 3.11.7:
#   exit status 0, models: row, parsed by: get_one
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq openapi-python-client==0.29.1
cat >document.py <<'PYTHON'
import json


def schema(kind):
    return {"title": "Row", "type": "object", "properties": {"value": {"type": kind}}, "required": ["value"]}


def operation(name):
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}Row"}}}
    return {"get": {"operationId": f"get{name}", "responses": {"200": {"description": "it", "content": content}}}}


document = {
    "openapi": "3.1.0",
    "info": {"title": "Rows", "version": "1"},
    "paths": {"/one": operation("One"), "/two": operation("Two")},
    "components": {"schemas": {"OneRow": schema("integer"), "TwoRow": schema("string")}},
}
json.dump(document, open("openapi.json", "w"))
PYTHON
venv/bin/python document.py
status=0
timeout 120 venv/bin/openapi-python-client generate --path openapi.json --meta none --output-path client >said 2>&1 || status=$?
models=$(find client/models -name '*.py' ! -name '__init__.py' -exec basename {} .py \;)
parsed=$(grep -rl 'Row.from_dict' client/api | xargs -n1 basename | sed 's/\.py$//')
seen="exit status $status, models: $models, parsed by: $parsed"
echo "$seen"
grep -i 'duplicate' said || cat said
[ "$seen" = "exit status 0, models: row, parsed by: get_one" ]
