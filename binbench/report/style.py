"""One look for a family of methods wherever it is drawn: a colour and a marker that tells it apart in grey too."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import NamedTuple

BLACK = "#000000"
#: Okabe and Ito (2008), "Color Universal Design"; with the yellow darkened to show on white, and grey.
COLOURS = {
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#B8A800",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#777777",
}
#: Relatives share a colour; the stem is a family's name up to the first character that is no letter.
_STEMS = {
    "float": "black",
    "pca": "yellow",
    "int": "orange",
    "pq": "vermillion",
    "opq": "vermillion",
    "pqfs": "vermillion",
    "rq": "vermillion",
    "ivfpq": "vermillion",
    "scann": "vermillion",
    "binary": "blue",
    "ortho": "sky",
    "sign": "purple",
    "itq": "sky",
    "rabitq": "green",
    "hnsw": "grey",
    "ivf": "grey",
}
#: Markers as matplotlib and as plotly call them.
_MARKERS = [
    ("o", "circle"),
    ("s", "square"),
    ("^", "triangle-up"),
    ("D", "diamond"),
    ("v", "triangle-down"),
    ("P", "cross"),
    ("X", "x"),
    ("*", "star"),
    ("<", "triangle-left"),
    (">", "triangle-right"),
    ("p", "pentagon"),
    ("d", "diamond-tall"),
]
#: The families that come with binbench, each at the place that gives it its marker for ever: new ones go to the end.
SHIPPED = (
    *("float", "int8", "pq", "binary", "sign", "rabitq", "opq", "hnsw", "itq", "ortho", "int4", "binary-asym"),
    *(
        "pqfs",
        "rq",
        "int8-minmax",
        "float16",
        "ivf",
        "ivfpq",
        "pca",
        "sign-asym",
        "ortho-asym",
        "int6",
        "int2",
        "scann",
    ),
    *("binary-rescore-float", "binary-rescore-int8", "sign-mean", "sign-rescore-self", "binary-hnsw"),
    *("pq-rescore-float", "sign-median", "itq-faiss", "faiss"),
)


class Look(NamedTuple):
    """How a family is drawn.

    Attributes:
        colour: as ``#rrggbb``.
        marker, symbol: as matplotlib and as plotly call it.
        is_open: drawn as an outline.
    """

    colour: str
    marker: str
    symbol: str
    is_open: bool


def looks(families: Iterable[str]) -> dict[str, Look]:
    """The look of each of `families`, the same in whatever company; those of shipped families differ."""
    places = {name: i for i, name in enumerate(SHIPPED)}
    present = sorted(set(families), key=lambda name: (places.get(name, len(SHIPPED)), name))
    return {name: _look(name, places.get(name, zlib.crc32(name.encode()))) for name in present}


def _look(family: str, place: int) -> Look:
    marker, symbol = _MARKERS[place % len(_MARKERS)]
    return Look(_colour(family), marker, symbol, place // len(_MARKERS) % 2 == 1)


def _colour(family: str) -> str:
    found = re.match("[a-z]+", family.lower())
    stem = found[0] if found else family
    if stem in _STEMS:
        return COLOURS.get(_STEMS[stem], BLACK)
    names = list(COLOURS)
    return COLOURS[names[zlib.crc32(stem.encode()) % len(names)]]


def distinct(names: Iterable[str]) -> dict[str, Look]:
    """A look for each of `names`, which have nothing to do with families: colours and markers in turn."""
    colours = list(COLOURS.values())
    found = {}
    for place, name in enumerate(sorted(set(names))):
        marker, symbol = _MARKERS[place % len(_MARKERS)]
        found[name] = Look(colours[place % len(colours)], marker, symbol, place // len(_MARKERS) % 2 == 1)
    return found
