"""A script beside an index that searches it with numpy and faiss alone, in at most ten lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from binbench.plugins.algorithm import Algorithm, FloatArray
from binbench.plugins.faiss_index import FaissAlgorithm
from binbench.plugins.hamming_codes import HammingCodes
from binbench.plugins.transform import Transform, Transformed
from binbench.plugins.two_stage import Rescored
from binbench.tasks.faiss_chain import affine

_HEAD = '"""The ten nearest documents to each query vector of a .npy file: python search.py queries.npy"""'
_FOLDER = "os.chdir(os.path.dirname(os.path.abspath(__file__)))"
_UNIT = "queries /= np.linalg.norm(queries, axis=1, keepdims=True)"
_HAMMING = 'np.bitwise_count(codes ^ code).sum(axis=1).argsort(kind="stable")'
#: By distance, how far candidates are from the query.
_FARNESS = {"euclidean": "((store.reconstruct_batch(rows) - query) ** 2).sum(axis=1)"}
_PRODUCT = "-(store.reconstruct_batch(rows) @ query)"


@dataclass(frozen=True)
class Written:
    """A fitted method as it was written.

    Attributes:
        algorithm: the method.
        state: see :func:`binbench.tasks.index_files.write_index`.
        arrays: of ``parameters.npz``; what a script needs besides is added.
        sample: some documents as the method took them.
        distance: that it ranks by.
        named: whether documents have ids.
    """

    algorithm: Algorithm
    state: dict[str, Any]
    arrays: dict[str, Any]
    sample: FloatArray
    distance: str
    named: bool


def script(written: Written) -> str | None:
    """The script for a method; None where it needs more than numpy and faiss."""
    algorithm, state, k, farness, transform = written.algorithm, written.state, 10, "", None
    loads = {}
    if isinstance(algorithm, Rescored):
        k, farness = algorithm.candidates, _FARNESS.get(written.distance, _PRODUCT)
        loads["store"] = f'faiss.read_index("{state["store_"]["part"]["index_"]["faiss"]}")'
        algorithm, state = algorithm.first_, state["first_"]["part"]
    if isinstance(algorithm, Transformed):
        transform, algorithm, state = algorithm.transform_, algorithm.inner_, state["inner_"]["part"]
    bits = "" if isinstance(algorithm, FaissAlgorithm) else _bits(written, state, transform)
    name, found, answers = "rows", "rows[rows >= 0]", f"index.search({'bits' if bits else 'queries'}, {k})[1]"
    match state:
        case {"index_": {"faiss": file, "transforms": before}} if not bits and (before or transform is None):
            loads["index"] = f'faiss.read_index("{file}")'
        case {"index_": {"faissbinary": file}} if bits:
            loads["index"] = f'faiss.read_index_binary("{file}")'
        case {"codes_": {"npy": file}} if bits and isinstance(algorithm, HammingCodes):
            loads["codes"] = f'np.load("{file}")'
            name, found, answers = "code", f"{_HAMMING}[:{k}]", 'bits.view("uint64")'
        case _:
            return None
    if "learned" in bits:
        loads["learned"] = 'np.load("parameters.npz")'
    lines = ['queries = np.load(sys.argv[1]).astype("float32")', _FOLDER]
    if written.distance == "angular" and bits and (transform is not None or "thresholds" in bits):
        lines.append(_UNIT)
    if written.named:
        lines.append('ids = json.load(open("ids.json", encoding="utf-8"))')
    lines.append(f"{', '.join(loads)} = {', '.join(loads.values())}")
    if bits:
        lines.append(f"bits = {bits}")
    if farness:
        lines += [
            f"for query, {name} in zip(queries, {answers}):",
            f"    rows = np.sort({found})",
            f'    rows = rows[np.argsort({farness}, kind="stable")[:10]]',
        ]
    else:
        lines += [f"for {name} in {answers}:", f"    rows = {found}"]
    lines.append(f'    print(*({"ids[row]" if written.named else "row"} for row in rows), sep="\\t")')
    needs = ["json"] * written.named + ["os", "sys"] + ["faiss"] * ("faiss" in "".join(loads.values()))
    return "\n".join([_HEAD, f"import {', '.join(needs)}, numpy as np", *lines]) + "\n"


def _bits(written: Written, state: dict[str, Any], transform: Transform | None) -> str:
    """The (Q, bytes) uint8 codes of `queries` in numpy's words; empty where that takes more than a matrix product."""
    match state:
        case {"projection": {"projection": [_, dimension, bits], "matrix": name}}:
            matrix, thresholds = written.arrays.get(name), state.get("thresholds_", {}).get("array")
        case _:
            return ""
    if transform is not None:
        moved = affine(transform, written.sample)
        if moved is None or thresholds:
            return ""
        # Without thresholds, signs are what they are at any length: both maps are one.
        both = [part[..., :bits].astype("float64") if matrix is None else part @ matrix for part in moved]
        written.arrays["search-matrix"], written.arrays["search-offset"] = both
        values = 'queries @ learned["search-matrix"] + learned["search-offset"] > 0'
    else:
        values = f'queries.astype("float64") @ learned["{name}"]'
        if matrix is None:
            values = "queries" if bits == dimension else f"queries[:, :{bits}]"
        values += f' > learned["{thresholds}"]' if thresholds else " > 0"
    if filling := -bits % 64:
        values = f"np.pad({values}, ((0, 0), (0, {filling})))"
    return f'np.packbits({values}, axis=1, bitorder="little")'
