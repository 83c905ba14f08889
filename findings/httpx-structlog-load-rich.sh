#!/bin/sh
# A service that sends requests by httpx and logs by structlog loads rich, pygments and click, once anything installs them.
#
# Version: httpx==0.28.1, structlog==26.1.0; rich==15.0.0, pygments==2.21.0, click==8.5.1, as typer brings them
# Expected: what draws tables and command lines is loaded by who draws: a program that imports httpx and structlog, and
#   logs JSON, loads the same modules whether or not rich is installed for another program of the same environment.
# Behaviour: `import httpx` imports its own command line where click, pygments and rich are there, and `import structlog`
#   its renderer of exceptions where rich is there. So installing a command's typer beside a service adds to the start
#   and the memory of the service, though nothing of it asks for them.
# Seen on 2026-11-29, CPython 3.11.7 (both imports take 0.17 s of CPU without them, 0.24 s with them):
#   without rich: none of rich, pygments, click
#   with rich: httpx loads rich pygments click
#   with rich: structlog loads rich pygments
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq httpx==0.28.1 structlog==26.1.0
cat >loaded.py <<'PYTHON'
import importlib
import sys

importlib.import_module(sys.argv[1])
print(*[name for name in ("rich", "pygments", "click") if name in sys.modules])
PYTHON
loaded() { timeout 60 venv/bin/python loaded.py "$1"; }
without=$(loaded httpx)$(loaded structlog)
echo "without rich: ${without:-none of rich, pygments, click}"
timeout 300 venv/bin/pip install -qq rich==15.0.0 pygments==2.21.0 click==8.5.1
httpx=$(loaded httpx)
structlog=$(loaded structlog)
echo "with rich: httpx loads $httpx"
echo "with rich: structlog loads $structlog"
[ "$without/$httpx/$structlog" = "/rich pygments click/rich pygments" ]
