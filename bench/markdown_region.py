"""The regions of a Markdown document that a command writes; what stands around them is written by hand."""

import re


def replace_region(text: str, name: str, content: str) -> str:
    """Put the content between the two comments that mark the region `name`.

    Raises ValueError where the document does not have the region once.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    marked = re.compile(f"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
    replaced, count = marked.subn(lambda _: f"{content}\n", text)
    if count != 1:
        raise ValueError(f"the document must have the region {name!r} once, between {begin!r} and {end!r}")
    return replaced
