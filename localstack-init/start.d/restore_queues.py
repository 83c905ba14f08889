# ruff: noqa: INP001  # LocalStack runs this file, nothing imports it
"""Restores the queues that the LocalStack before has kept. LocalStack runs this file before it takes any request.

It executes the text of this file in its own process: there is no `__file__`, and `__name__` is not `__main__`.
"""

from runpy import run_path

from localstack import config  # type: ignore[import-not-found]

run_path(f"{config.dirs.init}/kept_queues.py")["restore"]()
