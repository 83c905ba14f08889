"""The interpreter of what runs on, by the path of its environment itself.

`VENV` is a link, which the next `make` may point to another environment (stack/setup.sh).
"""

import sys
from pathlib import Path


def lasting(python: Path) -> Path:
    """The same interpreter of the same environment, without the links on the way to it."""
    # Its own link leads out of the environment.
    return python.parent.resolve() / python.name


PYTHON = str(lasting(Path(sys.executable)))


def environment_beside(name: str) -> Path:
    """The environment of that name beside this one: `.venv-localstack` beside `.venv`, as stack/setup.sh names them.

    It is so too where this one runs by its own path, as what pip and uv have put into its `bin` does.
    """
    prefix = Path(sys.prefix)
    return prefix.with_name(f"{prefix.name.partition('.made-')[0]}-{name}")
