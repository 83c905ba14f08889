#!/bin/sh
# supervisord rotates a program's log in the middle of a line, and of a character.
#
# Version: supervisor==4.3.0
# Expected: a log of whole UTF-8 lines is rotated between lines, so each file can be read by itself, and is not much
#   larger than stdout_logfile_maxbytes.
# Behaviour: it is rotated after whichever read from the program's pipe passed the size. A program that writes by
#   blocks (cat, here) has its files begin and end anywhere: such a file is no valid UTF-8, a line lies in two files,
#   and a file is larger by as much as a read brought. (No byte is lost.)
# Seen on 2026-11-28 (the numbers vary):
#   whole: True
#   rotated files: 16, ending in mid-line: 15
#   files that are no valid UTF-8: 14
#   largest: 65536 bytes, of at most 10000
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq supervisor==4.3.0
mkdir log
cat >supervisord.conf <<'CONF'
[supervisord]
nodaemon=true
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s

[program:finding]
command=cat %(here)s/lines
startsecs=0
autorestart=false
stdout_logfile=%(here)s/log/out
stdout_logfile_maxbytes=10000
stdout_logfile_backups=500
CONF
timeout 60 venv/bin/python - <<'PYTHON'
import subprocess
import sys
import time
from pathlib import Path

lines = "".join(f"{n:07} {'こんにちは、世界' * 5}\n" for n in range(8000)).encode()
Path("lines").write_bytes(lines)


def files():
    """The log's files, oldest first."""
    return sorted(Path("log").iterdir(), key=lambda path: -int(path.suffix[1:] or 0))


supervisord = subprocess.Popen(["venv/bin/supervisord", "-c", "supervisord.conf"], stdout=subprocess.DEVNULL)
try:
    end = time.monotonic() + 20
    while time.monotonic() < end and sum(path.stat().st_size for path in files()) < len(lines):
        time.sleep(0.5)
finally:
    supervisord.terminate()
    supervisord.wait(20)


def is_utf8(content):
    try:
        content.decode()
        return True
    except UnicodeDecodeError:
        return False


contents = [path.read_bytes() for path in files()]
rotated = contents[:-1]
mid_line = sum(not content.endswith(b"\n") for content in rotated)
invalid = sum(not is_utf8(content) for content in contents)
print(f"whole: {b''.join(contents) == lines}")
print(f"rotated files: {len(rotated)}, ending in mid-line: {mid_line}")
print(f"files that are no valid UTF-8: {invalid}")
print(f"largest: {max(map(len, contents))} bytes, of at most 10000")
sys.exit(not (b"".join(contents) == lines and mid_line and invalid))
PYTHON
