"""What a handler loads, and how long each part of it takes, as Python says (`-X importtime`)."""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping

OWN_CODE = "this project's modules"
STANDARD_LIBRARY = "the standard library"
SETTING_UP = "setting up, once all is loaded"

_OWN_PACKAGES = ("services", "web")

_LINE = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$")
"""A module: the microseconds that it took itself, then with all that it loads, and its name.
https://docs.python.org/3/using/cmdline.html#cmdoption-X"""


def milliseconds_by_part(report: Iterable[str], handler_module: str) -> Mapping[str, float]:
    """Return the time of each library, and of the rest; the handler's own module sets all up when it is loaded."""
    parts: dict[str, float] = defaultdict(float)
    for line in report:
        if found := _LINE.match(line):
            parts[_part_of(found[2], handler_module)] += int(found[1]) / 1000
    return dict(parts)


def _part_of(module: str, handler_module: str) -> str:
    if module == handler_module:
        return SETTING_UP
    library = module.partition(".")[0]
    if library in _OWN_PACKAGES:
        return OWN_CODE
    return STANDARD_LIBRARY if library in sys.stdlib_module_names else library
