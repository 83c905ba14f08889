"""Runs a program of the services that reports meanwhile what it has cost: `python counted_program.py MODULE ARGUMENT…`.

For each line on standard input it writes one of JSON to standard output: `calls`, the functions that its event loop's
thread has called so far, and `blocks`, the pieces of memory that it holds. Its logs are rendered, and dropped.
"""

import gc
import json
import os
import runpy
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

calls = 0


def count(_frame: FrameType, event: str, _argument: Any) -> None:
    """Count a call of a function, be it Python's or C's: sys.setprofile's hook."""
    global calls  # noqa: PLW0603  # a hook that costs as little as it can
    if event in {"call", "c_call"}:
        calls += 1


def report(lines: Any, answers: Any) -> None:
    """Answer until standard input ends. Garbage is no memory that is held."""
    for _ in lines:
        so_far = calls
        gc.collect()
        answers.write(json.dumps({"calls": so_far, "blocks": sys.getallocatedblocks()}) + "\n")
        answers.flush()


def main() -> None:
    """Run the module as `python -m` does."""
    threading.Thread(target=report, args=(sys.stdin, sys.stdout), daemon=True).start()
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as it runs
    del sys.argv[0]
    sys.setprofile(count)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
