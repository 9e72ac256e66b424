"""What callers give, as the options and arrays that the rest of binbench takes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError, unknown
from binbench.files import path_of
from binbench.harness.options import Options, RunOptions, SetOptions, explained, shown, unwrapped
from binbench.plugins.algorithm import FloatArray
from binbench.sets.embeddings import EmbeddingSet

Names = str | Iterable[str]
Where = Mapping[str, Any] | str | Sequence[str]
M = TypeVar("M", bound=Options)

_OPERATOR = re.compile(r"\s*(!=|<=|>=|=|<|>)")


def several(names: Names) -> list[str]:
    """One name or several, as a list."""
    return [names] if isinstance(names, str) else list(names)


def given_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def check_keywords(given: Mapping[str, Any], *models: type[Options]) -> None:
    """Refuse keywords that none of `models` has.

    Raises:
        UserError: naming the nearest one.
    """
    known = [name for model in models or (RunOptions, SetOptions) for name in model.model_fields]
    for name in given:
        if name not in known:
            raise unknown("option", name, known)


def asked(model: type[M], given: Mapping[str, Any]) -> M:
    """The `model` of those values in `given` that it has; folders that are not given, as the environment says."""
    from pydantic import ValidationError

    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        variable = shown(field).variable
        if name not in given and not (variable and os.environ.get(variable)):
            continue
        value = given[name] if name in given else os.environ[variable]
        kind, _, is_list = unwrapped(field.annotation)
        if is_list:
            value = (value,) if isinstance(value, str | int | Path) else tuple(value)
            value = tuple(path_of(one) for one in value) if kind is Path else value
        elif kind is Path and value is not None:
            value = path_of(value)
        values[name] = value
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{first['loc'][0]}: {explained(first)}") from None


def filters(where: Where) -> list[str]:
    """`where` as the filters of the command line."""
    if isinstance(where, str):
        return [where]
    if not isinstance(where, Mapping):
        return list(where)
    found = []
    for name, value in where.items():
        text = ",".join(map(str, value)) if isinstance(value, list | tuple | set) else str(value)
        found.append(f"{name}{text}" if _OPERATOR.match(text) else f"{name}={text}")
    return found


def documents_of(one: EmbeddingSet | NDArray[Any]) -> FloatArray:
    """The documents of a set, or vectors, as they are."""
    return one.train if isinstance(one, EmbeddingSet) else unit_vectors(one, "document", "euclidean")


def unit_vectors(vectors: NDArray[Any], what: str, distance: str) -> FloatArray:
    """`vectors` as methods take them: (n, d) float32, read-only, at unit length for angular distance."""
    from binbench.sets.embeddings import check_vectors
    from binbench.sets.encoders import at_unit_length

    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating) or not vectors.size:
        raise UserError(
            f"{what} vectors must be a 2-D array of floats, one vector a row, not {vectors.dtype} {vectors.shape}"
        )
    rows = vectors.astype(np.float32)
    check_vectors(rows, what, zeros_allowed=distance != "angular")
    if distance == "angular":
        rows = at_unit_length(rows)
    rows.flags.writeable = False
    return rows


def kept(train: NDArray[Any], test: NDArray[Any], name: str, data_dir: Path) -> tuple[Path, Path]:
    """Files of both arrays, named after their values, so that equal arrays are the same set."""
    from binbench.files import atomic, writing
    from binbench.sets.corpus import set_name

    arrays = [unit_vectors(one, what, "euclidean") for one, what in ((train, "document"), (test, "query"))]
    digest = hashlib.sha256(b"".join(str(one.shape).encode() + one.tobytes() for one in arrays)).hexdigest()[:8]
    folder = data_dir / ".arrays"
    paths = folder / f"{set_name(name)}-{digest}.npy", folder / f"{set_name(name)}-{digest}-queries.npy"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path, array in zip(paths, arrays, strict=True):
            if not path.is_file():
                with atomic(path) as temporary, open(temporary, "wb") as file:
                    np.save(file, array)
    return paths
