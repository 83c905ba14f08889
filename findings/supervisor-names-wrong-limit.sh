#!/bin/sh
# supervisord, refused enough open files, names what it asked for as the limit of its environment.
#
# Version: supervisor==4.3.0
# Expected: the error says how many files may be opened, which is the hard limit.
# Behaviour: it says that minfds are required and that the environment allows just as many: where the hard limit is 256,
#   "will only allow you to open 1024" (the default of minfds). The true limit is in no line of it, and by its numbers
#   nothing is wrong.
# Seen on 2026-11-28 (the kernel's fs.nr_open was 1048576):
#   hard limit: 256, minfds: 1048577
#   exit status 2, and of the limit: will only allow you to open 1048577 file descriptors
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq supervisor==4.3.0
timeout 60 venv/bin/python - <<'PYTHON'
import re
import resource
import subprocess
import sys
from pathlib import Path

# More than the kernel lets even root have, who would raise the limit to the default.
minfds = int(Path("/proc/sys/fs/nr_open").read_text()) + 1
Path("supervisord.conf").write_text(f"""
[supervisord]
nodaemon=true
minfds={minfds}
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
""")
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
print(f"hard limit: {resource.getrlimit(resource.RLIMIT_NOFILE)[1]}, minfds: {minfds}")
supervisord = subprocess.run(
    ["venv/bin/supervisord", "-c", "supervisord.conf"], check=False, stderr=subprocess.PIPE, text=True, timeout=30
)
told = re.search(r"will only allow you to open (\d+) file descriptors", supervisord.stderr)
print(f"exit status {supervisord.returncode}, and of the limit: {told and told[0]}")
sys.exit(supervisord.returncode != 2 or told is None or int(told[1]) != minfds)
PYTHON
