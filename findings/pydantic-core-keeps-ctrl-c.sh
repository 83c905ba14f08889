#!/bin/sh
# Ctrl-C while pydantic's core builds a model is a SchemaError, or nothing at all: the program goes on.
#
# Version: pydantic==2.14.3 (pydantic-core 2.50.4)
# Expected: KeyboardInterrupt, as anywhere else: it is no Exception, so that `except Exception` does not take it.
# Behaviour: the core asks an enum of a Literal for its repr and its hash, which are Python's. What is raised there, by a
#   handler of signals too, becomes a SchemaError in the first, and is dropped in the second: the model is built. A program
#   that is interrupted while it imports its models fails with another error, or has to be interrupted again.
# Seen on 2026-12-01, CPython 3.11.7 and 3.13.0:
#   in Enum.__repr__: SchemaError
#   in Enum.__repr__: SchemaError
#   in Enum.__hash__: nothing
#   in Enum.__hash__: nothing
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq pydantic==2.14.3
cat >build.py <<'PYTHON'
import signal
import sys
from enum import Enum
from itertools import count
from typing import Literal

from pydantic import BaseModel


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def build():
    class Paint(BaseModel):
        colour: Literal[Colour.RED, Colour.BLUE]


def interrupted_in(place):
    """Press Ctrl-C in that function of Enum, of those that the core calls; None where there are not as many."""
    numbers = count()
    met = None

    def watch(frame, event, _argument):
        nonlocal met
        called_by = frame.f_back.f_code.co_name if frame.f_back else ""
        is_of_core = event == "call" and called_by == "create_schema_validator"
        name = frame.f_code.co_name
        if is_of_core and name in {"__repr__", "__hash__"} and next(numbers) == place:
            met = f"Enum.{name}"
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)

    sys.setprofile(watch)
    try:
        build()
        came = "nothing"
    except BaseException as error:
        came = type(error).__name__
    finally:
        sys.setprofile(None)
    return f"in {met}: {came}" if met else None


build()
for place in count():
    line = interrupted_in(place)
    if line is None:
        break
    print(line)
PYTHON
seen=$(timeout 60 venv/bin/python build.py)
echo "$seen"
[ "$seen" = 'in Enum.__repr__: SchemaError
in Enum.__repr__: SchemaError
in Enum.__hash__: nothing
in Enum.__hash__: nothing' ]
