"""One look for a family of methods wherever it is drawn: a colour and a marker that tells it apart in grey too."""

from __future__ import annotations

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
#: Markers as matplotlib and as plotly call them.
_MARKERS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
    "*": "star",
    "<": "triangle-left",
    ">": "triangle-right",
    "p": "pentagon",
    "d": "diamond-tall",
}
#: The families that come with binbench, each with its look for ever. Relatives share a colour; no marker is an outline,
#: because hollow ones say that a method was trained on few points.
SHIPPED = {
    **{"float": ("black", "o"), "float16": ("black", "D")},
    **{"int8": ("orange", "s"), "int6": ("orange", ">"), "int4": ("orange", "p"), "int2": ("orange", "d")},
    **{"int8-minmax": ("orange", "^"), "pca": ("yellow", "X"), "faiss": ("yellow", "D")},
    **{"pq": ("vermillion", "^"), "opq": ("vermillion", "X"), "pqfs": ("vermillion", "o"), "rq": ("vermillion", "s")},
    **{"ivfpq": ("vermillion", "P"), "scann": ("vermillion", "d"), "pq-rescore-float": ("vermillion", "D")},
    **{"binary": ("blue", "D"), "binary-asym": ("blue", "d"), "binary-hnsw": ("blue", "v")},
    **{"binary-rescore-float": ("blue", "o"), "binary-rescore-int8": ("blue", "s")},
    **{"ortho": ("sky", ">"), "ortho-asym": ("sky", "o"), "itq": ("sky", "<"), "itq-faiss": ("sky", "^")},
    **{"adapter": ("sky", "D"), "adapter-itq": ("sky", "P"), "adapter-mlp": ("sky", "s")},
    **{"sign": ("purple", "v"), "sign-mean": ("purple", "^"), "sign-median": ("purple", "s")},
    **{"sign-asym": ("purple", "*"), "sign-rescore-self": ("purple", "D")},
    **{
        "rabitq": ("green", "P"),
        "rabitq-ivf": ("green", "^"),
        "rabitq-hnsw": ("green", "s"),
        "turbovec": ("green", "o"),
    },
    **{"hnsw": ("grey", "*"), "hnswlib": ("grey", "s"), "usearch": ("grey", "P"), "ivf": ("grey", "v")},
}


class Look(NamedTuple):
    """How a family is drawn.

    Attributes:
        colour: as ``#rrggbb``.
        marker, symbol: as matplotlib and as plotly call it.
    """

    colour: str
    marker: str
    symbol: str


def looks(families: Iterable[str]) -> dict[str, Look]:
    """The look of each of `families`, the same in whatever company; those of shipped families differ.

    Others get theirs by their name; what stands before another plugin's ``@`` keeps its colour.
    """
    places = {name: i for i, name in enumerate(SHIPPED)}
    return {name: _look(name) for name in sorted(set(families), key=lambda name: (places.get(name, len(places)), name))}


def _look(family: str) -> Look:
    number = zlib.crc32(family.encode())
    relative = SHIPPED.get(family.partition("@")[0])
    colour = relative[0] if relative else list(COLOURS)[number % len(COLOURS)]
    marker = SHIPPED[family][1] if family in SHIPPED else list(_MARKERS)[number // 64 % len(_MARKERS)]
    return Look(COLOURS.get(colour, BLACK), marker, _MARKERS[marker])


def distinct(names: Iterable[str]) -> dict[str, Look]:
    """A look for each of `names`, which have nothing to do with families: colours and markers in turn."""
    colours, markers = list(COLOURS.values()), list(_MARKERS)
    found = {}
    for place, name in enumerate(sorted(set(names))):
        marker = markers[(place + place // len(colours)) % len(markers)]
        found[name] = Look(colours[place % len(colours)], marker, _MARKERS[marker])
    return found
