#!/bin/sh
# A click command that catches Ctrl-C and says "Aborted!" dies by SIGINT all the same where Ctrl-C met an exec() of text.
#
# Version: click==8.5.1 on CPython 3.11 to 3.13, run as `python -m`
# Expected: click turns KeyboardInterrupt into "Aborted!" and exit code 1, wherever it was raised: it is caught, and
#   what is caught is over.
# Behaviour: where it has passed through exec() or eval() of a str, CPython notes it as unhandled and never forgets;
#   `python -m` looks at that note when sys.exit() is done, and kills itself by SIGINT. dataclasses and namedtuple run
#   text, so a Ctrl-C during a late import does it. `python file.py` ends with click's code.
# Seen on 2026-11-28 (a minus is the number of a signal):
#   python -m, raised in a function: Aborted!, exit code 1
#   python -m, raised in exec() of text: Aborted!, exit code -2
#   python file.py, raised in exec() of text: Aborted!, exit code 1
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq click==8.5.1
cat >command.py <<'PYTHON'
import signal

import click


@click.command()
@click.option("--text", is_flag=True)
def wait(text):
    # As Ctrl-C does at that moment.
    if text:
        exec("signal.raise_signal(signal.SIGINT)")
    signal.raise_signal(signal.SIGINT)


wait()
PYTHON
timeout 60 venv/bin/python - <<'PYTHON'
import signal
import subprocess
import sys

seen = []
for what, arguments in (
    ("python -m, raised in a function", ["-m", "command"]),
    ("python -m, raised in exec() of text", ["-m", "command", "--text"]),
    ("python file.py, raised in exec() of text", ["command.py", "--text"]),
):
    # A shell may have started this with SIGINT ignored.
    done = subprocess.run(
        [sys.executable, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    print(f"{what}: {done.stderr.strip()}, exit code {done.returncode}")
    seen.append((done.stderr.strip(), done.returncode))
sys.exit(seen != [("Aborted!", 1), ("Aborted!", -2), ("Aborted!", 1)])
PYTHON
