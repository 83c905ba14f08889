"""`python -m bench.scaling`, or shorter `make scaling`: compute the tables of docs/scaling.md and docs/aws.md."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from bench.scaling.document import DOCUMENTS, render
from services.streams.standard_streams import run_command


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the documents; with --check write nothing, and fail where one is stale."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a document is stale")
    check = parser.parse_args(arguments).check
    # The simulated services log as real ones do.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for document, regions in DOCUMENTS.items():
        bring_in_sync(document, partial(render, regions=regions), check=check)
    sys.stdout.write("docs/scaling.md and docs/aws.md are in sync with the model.\n")


def bring_in_sync(document: Path, rendered: Callable[[str], str], *, check: bool) -> None:
    """Write the document as it is rendered; or, to check, exit where it is another."""
    text = document.read_text()
    new_text = rendered(text)
    if check and new_text != text:
        sys.exit(f"docs/{document.name} is not what the model computes. Run `make scaling`.")
    if not check:
        document.write_text(new_text)


if __name__ == "__main__":
    run_command(main)
