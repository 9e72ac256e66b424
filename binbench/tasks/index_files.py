"""A fitted method on disk: what it holds, by attribute, in files that faiss and numpy read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.codes.batches import BinaryCodeBatch
from binbench.codes.engine import BinaryEmbeddingEngine
from binbench.codes.projections import PROJECTIONS, Projection
from binbench.errors import Unsupported, UserError
from binbench.files import sha256_of
from binbench.plugins.algorithm import Algorithm, FloatArray
from binbench.plugins.hamming_codes import HammingCodes
from binbench.plugins.registry import ALGORITHMS
from binbench.plugins.transform import Transform, Transformed
from binbench.provenance import circumstances
from binbench.tasks.faiss_chain import Chain, behind, in_front, moved
from binbench.tasks.search_script import Written, script

#: Of the layout of an index's folder.
SCHEMA = 1
ABOUT, PARAMETERS, IDS, ENGINE, SEARCH = "index.json", "parameters.npz", "ids.json", "engine.npz", "search.py"


def described(
    method: str, algorithm: Algorithm, documents: int, dimension: int, distance: str, seed: int
) -> dict[str, Any]:
    """What :func:`write_index` has to be told of a fitted method, and the bytes that it takes."""
    held = algorithm.footprint()
    return {
        "method": method,
        "seed": seed,
        "documents": documents,
        "dimension": dimension,
        "distance": distance,
        "bytes": {**asdict(held), "per_vector": held.per_vector, "total": held.total(documents)},
        "facts": algorithm.facts,
    }


def write_index(
    folder: Path, algorithm: Algorithm, ids: Sequence[str] | None, sample: FloatArray, about: dict[str, Any]
) -> None:
    """Write the fitted `algorithm` and what `about` says of it into the empty `folder`.

    Args:
        folder: must exist.
        algorithm: fitted.
        ids: of the documents, by row; None where rows are all they have.
        sample: some documents as the method took them.
        about: ``method``, ``dimension``, ``distance``, ``documents``, ``seed``, and whatever else belongs beside.

    Raises:
        Unsupported: the method holds what can be written neither by faiss nor by numpy.
    """
    # Asked once, so that faiss' own search arguments (efSearch, nprobe) are in the file.
    algorithm.query(sample[:1], min(10, about["documents"]))
    writer = _Writer(folder, about["method"], sample)
    state = writer.write(algorithm, "", in_front(about["dimension"], about["distance"] == "angular"))
    written = Written(algorithm, state, writer.arrays, sample, about["distance"], ids is not None)
    if text := script(written):
        (folder / SEARCH).write_text(text, encoding="utf-8")
    np.savez(folder / PARAMETERS, **writer.arrays)  # type: ignore[arg-type]
    if ids is not None:
        (folder / IDS).write_text(json.dumps(list(ids), ensure_ascii=False), encoding="utf-8")
    if isinstance(algorithm, HammingCodes) and algorithm.projection.name in PROJECTIONS:
        _engine(algorithm, about["seed"], ids).save(folder / ENGINE)
    hashes = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    said = {"schema": SCHEMA, **about, "state": state, "sha256": hashes, **circumstances()}
    (folder / ABOUT).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_index(folder: Path) -> tuple[Algorithm, dict[str, Any]]:
    """The method that :func:`write_index` wrote into `folder`, and what was said of it, with the documents' ``ids``.

    Raises:
        UserError: there is none, it is of another layout, damaged, or of a method that is not registered.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        schema, hashes = about["schema"], about["sha256"]
    except OSError as error:
        raise UserError(f"{folder} holds no index: {ABOUT}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{folder / ABOUT} is damaged ({error}); build the index anew") from error
    if schema != SCHEMA:
        raise UserError(f"{folder} is of layout {schema}, and this binbench reads layout {SCHEMA}; build it anew")
    for name, expected in hashes.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != expected:
            raise UserError(f"{folder / name} is missing or was changed since the index was built; build it anew")
    instance = ALGORITHMS.get(about["method"])
    algorithm: Algorithm = instance.create(dimension=about["dimension"], seed=about["seed"], metric=about["distance"])
    with np.load(folder / PARAMETERS, allow_pickle=False) as arrays:
        _read(algorithm, folder, about["state"], arrays)
    about["ids"] = json.loads((folder / IDS).read_text(encoding="utf-8")) if IDS in hashes else None
    return algorithm, about


@dataclass
class _Writer:
    """Writes what objects hold into `folder`, and gathers the small arrays."""

    folder: Path
    method: str
    sample: FloatArray
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    def write(self, holder: Any, prefix: str, chain: Chain | None) -> dict[str, Any]:
        """By attribute of `holder`, where its value was written, or the value.

        Args:
            holder: a method, a part of one, or a transform.
            prefix: of names of files and arrays.
            chain: what raw vectors go through before `holder` gets them; None where faiss has no such transform.
        """
        import faiss

        state: dict[str, Any] = {}
        for name, value in vars(holder).items():
            path = prefix + name.rstrip("_")
            if isinstance(value, (Algorithm, Transform)):
                if id(value) in self._seen:
                    continue  # one part under two names: the constructor gives both
                self._seen.add(id(value))
                behind_it = moved(chain, holder, self.sample) if isinstance(holder, Transformed) else chain
                state[name] = {"part": self.write(value, f"{path}-", behind_it)}
            elif isinstance(value, faiss.Index):
                before, index = behind(chain, holder, value)
                faiss.write_index(index, str(self.folder / f"{path}.faiss"))
                state[name] = {"faiss": f"{path}.faiss", "transforms": before}
            elif isinstance(value, faiss.IndexBinary):
                faiss.write_index_binary(value, str(self.folder / f"{path}.faissbinary"))
                state[name] = {"faissbinary": f"{path}.faissbinary"}
            elif isinstance(value, Projection):
                state[name] = {"projection": [value.name, value.dimension, value.bits], "matrix": f"{path}-matrix"}
                if value.matrix is not None:
                    self.arrays[f"{path}-matrix"] = value.matrix
            elif isinstance(value, np.ndarray) and name == "codes_":
                np.save(self.folder / f"{path}.npy", value)
                state[name] = {"npy": f"{path}.npy"}
            elif isinstance(value, np.ndarray):
                self.arrays[path] = value
                state[name] = {"array": path}
            else:
                state[name] = {"value": self._plain(name, value)}
        return state

    def _plain(self, name: str, value: Any) -> Any:
        try:
            return json.loads(json.dumps(value))
        except TypeError:
            raise Unsupported(
                f"{self.method} holds a {type(value).__name__} ({name}), which neither faiss nor numpy can write"
            ) from None


def _read(holder: Any, folder: Path, state: dict[str, Any], arrays: Any) -> None:
    """Give `holder`, made but not fitted, what a :class:`_Writer` wrote of it."""
    import faiss

    for name, told in state.items():
        match told:
            case {"part": part}:
                _read(getattr(holder, name), folder, part, arrays)
                continue
            case {"faiss": file, "transforms": before}:
                value = faiss.read_index(str(folder / file))
                if before:
                    # The method has its own transforms; what faiss read stays alive with the part of it that is used.
                    whole_index, value = value, faiss.downcast_index(value.index)
                    value.referenced_objects = [whole_index]
            case {"faissbinary": file}:
                value = faiss.read_index_binary(str(folder / file))
            case {"projection": [kind, dimension, bits], "matrix": key}:
                value = Projection(kind, dimension, bits, arrays.get(key))
            case {"npy": file}:
                value = np.load(folder / file, allow_pickle=False)
            case {"array": key}:
                value = arrays[key]
            case _:
                value = told["value"]
        setattr(holder, name, value)


def _engine(algorithm: HammingCodes, seed: int, ids: Sequence[str] | None) -> BinaryEmbeddingEngine:
    """The engine of :mod:`binbench.codes` that has these codes."""
    projection = algorithm.projection
    engine = BinaryEmbeddingEngine(projection.bits, projection.name, getattr(algorithm, "threshold", "zero"), seed)
    engine.projection_, engine.thresholds_ = projection, algorithm.thresholds_
    engine.codes_ = BinaryCodeBatch(algorithm.codes_, projection.bits, ids)
    return engine
