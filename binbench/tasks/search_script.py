"""A script beside an index that searches it with numpy and faiss alone."""

from __future__ import annotations

from typing import Any

from binbench.plugins.algorithm import Algorithm
from binbench.plugins.faiss_index import FaissAlgorithm
from binbench.plugins.hamming_codes import HammingCodes
from binbench.plugins.transform import Transformed
from binbench.plugins.two_stage import Rescored

_HEAD = '''"""The ten nearest documents to each query vector of a .npy file: python search.py queries.npy"""
import json, os, sys
{imports}
here = os.path.dirname(os.path.abspath(__file__))
queries = np.load(sys.argv[1]).astype("float32")
'''
_FAISS = """index = faiss.read_index(os.path.join(here, "{file}"))
scores, found = index.search(queries, {k})
"""
_UNIT = "queries /= np.linalg.norm(queries, axis=1, keepdims=True)\n"
_HAMMING = """codes, learned = np.load(os.path.join(here, "{codes}")), np.load(os.path.join(here, "parameters.npz"))
bits = np.packbits({values} > {thresholds}, axis=1, bitorder="little")
words = np.pad(bits, ((0, 0), (0, 8 * codes.shape[1] - bits.shape[1]))).view("uint64")
distances = (np.bitwise_count(codes ^ word).sum(axis=1) for word in words)
found = np.array([distance.argsort(kind="stable")[:{k}] for distance in distances])
"""
_RESCORE = """store = faiss.read_index(os.path.join(here, "{file}"))
for i, query in enumerate(queries):
    rows = np.sort(found[i][found[i] >= 0])
    found[i, : len(rows)] = rows[np.argsort(-(store.reconstruct_batch(rows) @ query), kind="stable")]
found = found[:, :10]
"""
_TAIL = """{ids}for rows in found:
    print(*({name} for row in rows if row >= 0), sep="\\t")
"""
_IDS = 'ids = json.load(open(os.path.join(here, "ids.json"), encoding="utf-8"))\n'


def script(algorithm: Algorithm, state: dict[str, Any], unit: bool, named: bool) -> str | None:
    """The script for a method written as `state` says; None where it needs more than numpy and faiss.

    Args:
        algorithm: fitted.
        state: see :func:`binbench.tasks.index_files.write_index`.
        unit: whether queries are brought to unit length.
        named: whether documents have ids.
    """
    second = isinstance(algorithm, Rescored)
    k = algorithm.candidates if isinstance(algorithm, Rescored) else 10
    first, held = (algorithm.first_, state["first_"]["part"]) if isinstance(algorithm, Rescored) else (algorithm, state)
    if isinstance(first, Transformed):
        first, held = first.inner_, held["inner_"]["part"]
        if isinstance(first, FaissAlgorithm) and not held["index_"]["transforms"]:
            return None
    if isinstance(first, FaissAlgorithm):
        body = _FAISS.format(file=held["index_"]["faiss"], k=k)
    elif isinstance(first, HammingCodes) and (first is algorithm or second):
        body = _hamming(first, held, k)
    else:
        return None
    imports = "import numpy as np\n" + ("import faiss\n" if second or isinstance(first, FaissAlgorithm) else "")
    parts = [_HEAD.format(imports=imports.rstrip()), _UNIT if unit else "", body]
    if second:
        parts.append(_RESCORE.format(file=state["store_"]["part"]["index_"]["faiss"]))
    parts.append(_TAIL.format(ids=_IDS if named else "", name="ids[row]" if named else "row"))
    return "".join(parts)


def _hamming(algorithm: HammingCodes, held: dict[str, Any], k: int) -> str:
    values = "queries.astype('float64')"
    if algorithm.projection.matrix is not None:
        values += f" @ learned['{held['projection']['matrix']}']"
    thresholds = f"learned['{held['thresholds_']['array']}']" if algorithm.thresholds_ is not None else "0"
    return _HAMMING.format(codes=held["codes_"]["npy"], values=values, thresholds=thresholds, k=k)
