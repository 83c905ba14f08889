"""Reads a flame graph as py-spy writes it: an SVG of inferno's, in which each frame has its place as attributes.

https://github.com/jonhoo/inferno, `fg:x` and `fg:w`: where a frame begins and how wide it is, in samples.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

_SVG = "{http://www.w3.org/2000/svg}"
_INFERNO = "{http://github.com/jonhoo/inferno}"
_TITLE = re.compile(r"(?P<function>.*) \([\d,]+ samples?, [\d.]+%\)", re.DOTALL)
_IMPORT = "<frozen importlib"
_ALL = "all"


@dataclass(frozen=True, slots=True)
class OwnTime:
    """How often a function was running, what it called not counted; C code counts for the Python that called it."""

    function: str
    """Such as `fetch (services/tasks/data.py:53)`."""
    samples: int
    share: float
    """Of all samples that are counted."""


@dataclass(slots=True)
class _Frame:
    function: str
    begin: int
    width: int
    depth: float
    inner: int = 0
    """How wide those that it called are."""
    imports: bool = field(init=False)
    """Whether it belongs to an import."""

    def __post_init__(self) -> None:
        self.imports = _IMPORT in self.function


def own_times(svg: str) -> list[OwnTime]:
    """Return the functions of a flame graph by their own time, most first; what imports take is left out.

    Raises ValueError where it is no flame graph.
    """
    frames = sorted(_frames(svg), key=lambda frame: (frame.begin, frame.depth))
    _nest(frames)
    own = Counter[str]()
    for frame in frames:
        if not frame.imports and frame.function != _ALL:
            own[frame.function] += frame.width - frame.inner
    total = own.total()
    return [OwnTime(function, samples, samples / total) for function, samples in own.most_common() if samples]


def table(rows: Sequence[OwnTime]) -> list[str]:
    """Return the rows as lines, below their head."""
    return ["  share  samples  function", *(f"{row.share:7.1%} {row.samples:8}  {row.function}" for row in rows)]


def _frames(svg: str) -> Iterator[_Frame]:
    try:
        root = ET.fromstring(svg)  # noqa: S314  # written by the py-spy that we ran
    except ET.ParseError as error:
        raise ValueError(f"it is no SVG: {error}") from error
    for group in root.iter(f"{_SVG}g"):
        title, place = group.find(f"{_SVG}title"), group.find(f"{_SVG}rect")
        if title is not None and place is not None:
            yield _frame(title.text or "", place.attrib)


def _frame(title: str, place: Any) -> _Frame:
    named = _TITLE.fullmatch(title)
    if named is None:
        raise ValueError(f"it is no flame graph of py-spy's: a frame is called {title!r}")
    return _Frame(named["function"], int(place[f"{_INFERNO}x"]), int(place[f"{_INFERNO}w"]), float(place["y"]))


def _nest(frames: Sequence[_Frame]) -> None:
    """Give each frame those that it called; those that begin first come in front, and of these the callers."""
    callers: list[_Frame] = []
    for frame in frames:
        while callers and callers[-1].begin + callers[-1].width <= frame.begin:
            callers.pop()
        if callers:
            callers[-1].inner += frame.width
            frame.imports |= callers[-1].imports
        callers.append(frame)
