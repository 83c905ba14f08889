# ruff: noqa: INP001  # LocalStack runs this file, nothing imports it
"""Keeps the queues for the next LocalStack. LocalStack runs this file on SIGTERM, before it ends anything.

It executes the text of this file in its own process: there is no `__file__`, and `__name__` is not `__main__`.
"""

from runpy import run_path

from localstack import config  # type: ignore[import-not-found]

run_path(f"{config.dirs.init}/kept_queues.py")["save_and_exit"]()
