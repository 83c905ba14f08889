#!/bin/sh
# simplejson skips the three characters U+00EF U+00BB U+00BF at the start of a str.
#
# Version: simplejson==4.3.0
# Expected: those are the bytes of a UTF-8 byte order mark, but in a str they are letters and signs like others (a mark
#   that was decoded as Latin-1), so a text that starts with them is no JSON. Python's own json refuses it.
# Behaviour: loads takes the text as if they were not there, also from bytes in which the mark was encoded twice: what
#   one program accepts and passes on as it came, another refuses.
# Seen on 2026-11-28:
#   str: json: JSONDecodeError, simplejson: {'a': 1}
#   bytes: json: JSONDecodeError, simplejson: {'a': 1}
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq simplejson==4.3.0
timeout 60 venv/bin/python - <<'PYTHON'
import json
import sys

import simplejson

text = '\u00ef\u00bb\u00bf{"a": 1}'


def outcome(loads, document):
    try:
        return str(loads(document))
    except ValueError as error:
        return type(error).__name__


seen = []
for document in (text, text.encode()):
    seen.append((outcome(json.loads, document), outcome(simplejson.loads, document)))
    print("{}: json: {}, simplejson: {}".format(type(document).__name__, *seen[-1]))
sys.exit(seen != [("JSONDecodeError", "{'a': 1}")] * 2)
PYTHON
