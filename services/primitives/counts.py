"""Reads counts that anybody may have written: attributes of messages, headers."""

import re

# As many digits as 64 bits have: `int` raises for thousands (sys.set_int_max_str_digits). It also takes the digits of
# any script, which nobody sends for a count.
_COUNT = re.compile(r"[0-9]{1,20}")


def read_count(text: str) -> int | None:
    """Return the count that one to 20 ASCII digits write; None for any other text. It raises nothing."""
    return int(text) if _COUNT.fullmatch(text) else None
