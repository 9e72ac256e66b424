"""What can be wrong with a result file, each with what is to be said of it: a case is a line.

`BROKEN` files are named, in one line, by every verb, which shows the others and exits with another status than 0.
`WHOLE` ones are results still; `run` and `evaluate` compute anew what they miss.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from binbench.seal import seal

Damage = Callable[[Path], None]


def inside(change: Callable[[h5py.File], object]) -> Damage:
    """A change of what the file holds, with a seal that vouches for it: anybody can put one there."""

    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)
        seal(path)

    return damage


def attribute(name: str, value: object) -> Damage:
    """The attribute `name` with another value, or without any."""
    return inside(lambda file: file.attrs.pop(name) if value is None else file.attrs.__setitem__(name, value))


def instead(name: str, make: Callable[[h5py.File], object]) -> Damage:
    """Another member called `name`."""

    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        if (made := make(file)) is not None:
            file[name] = made

    return inside(change)


def flipped(path: Path, start: int, count: int) -> None:
    content = bytearray(path.read_bytes())
    content[start : start + count] = bytes(byte ^ 0xFF for byte in content[start : start + count])
    path.write_bytes(content)


def unsealed(path: Path) -> None:
    """As files are that binbench did not write, or not lately: without checksums."""
    h5py.File(path, "r+").close()


def vast(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file.create_dataset(name, shape, np.int32)


BROKEN: dict[str, tuple[Damage, str]] = {
    "empty": (lambda path: path.write_bytes(b""), "is not a readable HDF5 file"),
    "text": (lambda path: path.write_text("no HDF5"), "is not a readable HDF5 file"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:3000]), "is not a readable HDF5 file"),
    "flipped-first": (lambda path: flipped(path, 0, 8), "it is not what was written"),
    "flipped-header": (lambda path: flipped(path, 96, 64), "it is not what was written"),
    "flipped-text": (
        lambda path: flipped(path, path.read_bytes().index(b'"command"'), 1),
        "it is not what was written",
    ),
    "flipped-seal": (lambda path: flipped(path, path.stat().st_size - 8, 1), "its seal is broken"),
    "unsealed": (lambda path: (unsealed(path), flipped(path, 96, 64)), "HDF5 file"),
    "folder": (lambda path: (path.unlink(), path.mkdir(), (path / "x").touch()), ""),
    "no-neighbors": (instead("neighbors", lambda file: None), "it has no 'neighbors'"),
    "no-distances": (instead("distances", lambda file: None), "it has no 'distances'"),
    "no-times": (instead("times", lambda file: None), "it has no 'times'"),
    "too-short": (
        instead("neighbors", lambda file: np.zeros((3, 20), np.int32)),
        "has the shape (3, 20), not (20, 20)",
    ),
    "scalar": (instead("neighbors", lambda file: 7), "'neighbors' has the shape ()"),
    "floats": (instead("neighbors", lambda file: np.zeros((20, 20))), "'neighbors' holds float64"),
    "texts": (instead("distances", lambda file: ["x"]), "'distances' holds object"),
    "group": (instead("neighbors", lambda file: file.create_group("x")), "'neighbors' is no array"),
    "loop": (instead("neighbors", lambda file: h5py.SoftLink("/neighbors")), "is a link to another place"),
    "elsewhere": (instead("neighbors", lambda file: h5py.ExternalLink("x", "/")), "is a link to another place"),
    "raw": (
        instead("neighbors", lambda f: f.create_dataset("y", (20, 20), "i4", external=[("/etc/passwd", 0, 1600)])),
        "'neighbors' lies in another file",
    ),
    "vast": (instead("scores", lambda file: vast(file, "scores", (20, 1 << 40))), "'scores' holds int32"),
    "vast-ties": (instead("tied_ids", lambda file: vast(file, "tied_ids", (1 << 50,))), "larger than what is stored"),
    "scores-shape": (instead("scores", lambda file: np.zeros(3, np.float32)), "'scores' has the shape (3,)"),
    "latencies-type": (instead("latencies", lambda file: ["x", "y"]), "'latencies' holds object"),
    "no-json": (attribute("facts", "{"), "its attribute facts is no JSON"),
    "number-for-json": (attribute("parameters", 7), "its attribute parameters is no JSON"),
    "deep": (attribute("provenance", "[" * 50_000), "its attribute provenance is no JSON"),
    "notes": (attribute("facts", '{"notes": [1, {}]}'), "facts.notes.0"),
    "no-mapping": (attribute("footprint", "[1]"), "footprint"),
    "origin": (attribute("origin", '{"dataset": 7}'), "origin.dataset"),
    "warnings": (attribute("origin", '{"warnings": [[]]}'), "origin.warnings.0"),
    "versions": (attribute("provenance", '{"versions": 3}'), "provenance.versions"),
    "array-for-text": (attribute("name", ["x", "y"]), "name"),
    "no-name": (attribute("name", None), "name"),
    "text-for-number": (attribute("count", "twenty"), "'neighbors' has the shape"),
    "no-documents": (attribute("documents", None), "it does not tell documents"),
    "no-rate": (attribute("queries_per_second", None), "it does not tell queries_per_second"),
    "negative-rate": (attribute("queries_per_second", -1000.0), "queries_per_second"),
    "negative-bytes": (attribute("index_bytes", -100), "index_bytes"),
    "status": (attribute("status", "splendid"), "status"),
}

WHOLE: dict[str, Damage] = {
    "no-figures": instead("figures", lambda file: None),
    "figures-shape": attribute("figures", '{"names": 7}'),
    "figures-text": attribute("figures", '"x"'),
    "contrasts-text": attribute("contrasts", '"x"'),
    "contrasts-list": attribute("contrasts", '[{"with": 1}]'),
    "contrasts-other": attribute("contrasts", '{"ndcg@10": {"with": "x"}}'),
    "contrasts-inside": attribute("contrasts", '{"ndcg@10": {"with": "x", "comparison": {"ratio": "x"}}}'),
    "command": attribute("provenance", '{"command": "binbench \'run"}'),
    "more": instead("more", lambda file: h5py.ExternalLink("/etc/passwd", "/")),
}

#: What a stored text can say; each is tried as the set's name, the family, the method and more.
TEXTS = (
    *("../../escaped", "/escaped", "..", ".", "a/../../../escaped", "~/escaped", "-rf", "C:\\escaped", "a\\b"),
    *(
        "nul\0nul",
        "\x1b]0;title\x07\x1b[2J",
        "first\r\nsecond",
        "\u202etxt.exe",
        "\x9b31m",
        "<script>alert(1)</script>",
    ),
    *("x" * 3000, "", " ", "$x_1^2$", "a|b", "%s%d{0}", "é" * 400),
)
