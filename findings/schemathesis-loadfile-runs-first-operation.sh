#!/bin/sh
# Under pytest-xdist's --dist loadfile only the first operation of an API is tested by Schemathesis, and all is green.
#
# Version: schemathesis==4.32.5, pytest==9.2.0, pytest-xdist==3.8.0
# Expected: schema.parametrize() tests each operation, however the tests are spread over processes; what was collected
#   and not run is told.
# Behaviour: with pytest 9.2 the tests of all operations have the same id (9.1 has the operation in it). loadfile and
#   loadscope keep by id what is to be run, so they run the first of them; no test fails, and nothing is said to be
#   missing, but for a lower number of tests. --dist load, which counts, runs all.
# Seen on 2026-11-28:
#   without pytest-xdist: /first, /second, /third; exit status 0
#   --dist load: /first, /second, /third; exit status 0
#   --dist loadfile: /first; exit status 0
#   --dist loadscope: /first; exit status 0
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq schemathesis==4.32.5 pytest==9.2.0 pytest-xdist==3.8.0
cat >test_api.py <<'PYTHON'
from pathlib import Path

import schemathesis

OPERATION = {"get": {"responses": {"200": {"description": "OK"}}}}
schema = schemathesis.openapi.from_dict(
    {
        "openapi": "3.1.0",
        "info": {"title": "An API", "version": "1"},
        "paths": dict.fromkeys(["/first", "/second", "/third"], OPERATION),
    }
)


@schema.parametrize()
def test_operation(case):
    Path("tested", case.path.strip("/")).touch()
PYTHON
timeout 300 venv/bin/python - <<'PYTHON'
import shutil
import subprocess
import sys
from pathlib import Path

PYTEST = ["venv/bin/python", "-m", "pytest", "-qq", "-p", "no:cacheprovider", "--rootdir=.", "test_api.py"]


def outcome(dist):
    """Run the tests; return the operations that were tested, and the exit status."""
    tested = Path("tested")
    shutil.rmtree(tested, ignore_errors=True)
    tested.mkdir()
    options = ["-n", "2", "--dist", dist] if dist else []
    status = subprocess.run([*PYTEST, *options], check=False, stdout=subprocess.DEVNULL).returncode
    return sorted(f"/{path.name}" for path in tested.iterdir()), status


ALL = ["/first", "/second", "/third"]
EXPECTED = {None: ALL, "load": ALL, "loadfile": ["/first"], "loadscope": ["/first"]}
seen = {}
for dist in EXPECTED:
    seen[dist], status = outcome(dist)
    print(f"{f'--dist {dist}' if dist else 'without pytest-xdist'}: {', '.join(seen[dist])}; exit status {status}")
    if status:
        sys.exit(1)
sys.exit(seen != EXPECTED)
PYTHON
