"""`python -m bench.scaling`, or shorter `make scaling`: compute the tables of docs/scaling.md."""

import argparse
import logging
import sys
from collections.abc import Sequence

import structlog

from bench.scaling.document import DOCUMENT, render
from services.streams.standard_streams import run_command


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the document; with --check write nothing, and fail where it is stale."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the document is stale")
    check = parser.parse_args(arguments).check
    # The simulated services log as real ones do.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    text = DOCUMENT.read_text()
    rendered = render(text)
    if check and rendered != text:
        sys.exit("docs/scaling.md is not what the model computes. Run `make scaling`.")
    if not check:
        DOCUMENT.write_text(rendered)
    sys.stdout.write("docs/scaling.md is in sync with the model.\n")


if __name__ == "__main__":
    run_command(main)
