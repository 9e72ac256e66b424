"""A stored result's figures: computed once, right after its answers, and kept in its file."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import file_in, path_of
from binbench.harness.answers import answers_of, own_documents_of, stored, subset_of
from binbench.harness.results import origin_of, update
from binbench.measures.bootstrap import mean_ci
from binbench.measures.registry import MEASURES, compute, versions
from binbench.records.pairs import contrasts
from binbench.records.record import Record
from binbench.records.store import files_under, open_record, read, write_index
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.vector_files import HDF5

Array = NDArray[np.float64]

SEED = 0


def judge(path: Path, embeddings: EmbeddingSet, force: bool = True) -> None:
    """Compute the figures of the result at `path` and store them in it.

    Args:
        path: the result.
        embeddings: what it was measured on.
        force: compute all anew; otherwise only those of measures whose definition is another than that of the figures
            that are there, if these are of the same answers and judgements.

    Raises:
        UserError: the result cannot be read, is damaged, has no answers, or has other vectors than `embeddings`.
    """
    record = open_record(path)
    check_set(record, embeddings)
    if record.status != "ok":
        raise UserError(f"{path} has no answers ({record.status}: {record.reason})")
    found_ids = stored(record, "neighbors", (len(embeddings.test), record.k))
    answers = hashlib.sha256(found_ids.tobytes()).hexdigest()
    source = f"{record.inputs[:16]}:{answers[:16]}:{_judgements(*_stamp(embeddings))}"
    held = None if force or record.figures is None or record.figures.source != source else record.figures
    current = {name for name, version in versions().items() if held and held.versions.get(name) == version}
    found = compute(answers_of(record, embeddings), [name for name in MEASURES if name not in current])
    found |= {name: values for name in current if held and (values := held.values(name)) is not None}
    names = [name for name in MEASURES if name in found]
    matrix = np.stack([found[name] for name in names])
    limits = np.stack(mean_ci(matrix.T, SEED))
    figures = {
        "key": hashlib.sha256(json.dumps(names).encode() + matrix.tobytes()).hexdigest()[:32],
        "made_by": _made_by(embeddings),
        "source": source,
        "versions": versions(),
        "names": names,
        "means": {name: column.tolist() for name, column in zip(names, limits.T, strict=True)},
    }
    update(path, {"figures": matrix}, {"figures": figures, "contrasts": {}, "origin": origin_of(embeddings)})


def settle(
    results_dir: Path, paths: Sequence[Path], sets: Mapping[str, EmbeddingSet], force: bool = False
) -> tuple[list[Record], list[str]]:
    """See that the results at `paths` hold their figures and how they compare with ``float``; keep the index.

    Figures are current while the answers, the judgements and the measures' definitions are the same; another definition
    makes those of its own measure stale.

    Args:
        results_dir: root of the result files.
        paths: below it.
        sets: embedding sets by name; results of others keep what they have.
        force: compute all figures anew.

    Returns:
        the records, and why those that could not be judged were not, one line each.
    """
    troubles: list[str] = []
    for record in read(results_dir, paths):
        embeddings = sets.get(record.set)
        if record.status != "ok" or embeddings is None:
            continue
        if not force and record.figures and record.figures.made_by == _made_by(embeddings):
            continue
        try:
            judge(record.path, embeddings, force)
        except UserError as error:
            troubles.append(str(error))
    for record in read(results_dir, paths):
        if record.figures and record.reference and record.reference.figures:
            found = contrasts(record, record.reference)
            if _references(found) != _references(record.stored_contrasts):
                update(record.path, {}, {"contrasts": found})
    write_index(results_dir)
    return read(results_dir, paths), troubles


def evaluate(
    results_dir: Path, data_dir: Path, datasets: Sequence[str] = (), force: bool = False
) -> tuple[list[Record], list[str]]:
    """Judge stored results without running any method.

    Args:
        results_dir: the root of the result files.
        data_dir: where the embedding sets live.
        datasets: only these: names of sets or of their datasets, globs, or paths of embedding sets elsewhere; all where
            empty.
        force: compute figures anew that are there.

    Returns:
        the records that are judged, those without answers included, and why others are left out, one line each.

    Raises:
        UserError: there are no results, or none that `datasets` name.
    """
    elsewhere = {Path(name).stem: path_of(name) for name in datasets if name.endswith(HDF5)}
    wanted = [name for name in datasets if not name.endswith(HDF5)] + list(elsewhere)
    asked = f" of {', '.join(datasets)}" if datasets else ""
    paths = [results_dir / file for file in files_under(results_dir)]
    paths = [path for path in paths if not wanted or any(_fits(path.relative_to(results_dir), name) for name in wanted)]
    if not paths:
        raise UserError(f"no results{asked} below {results_dir}; `binbench run` makes them")
    usable, left_out = [], []
    sets: dict[str, EmbeddingSet] = {}
    for record in read(results_dir, paths):
        place = elsewhere.get(record.set) or file_in(data_dir, f"{record.set}.hdf5")
        try:
            if record.status == "unreadable":
                raise UserError(record.reason)
            if place is None:
                raise UserError(f"{record.path}: its embedding set {record.set} is not in {data_dir}; see --data-dir")
            embeddings = sets.get(record.set) or sets.setdefault(record.set, EmbeddingSet.open(place))
            check_set(record, embeddings)
        except UserError as error:
            left_out.append(str(error))
        else:
            usable.append(record.path)
    if not usable:
        return [], left_out
    records, troubles = settle(results_dir, usable, sets, force)
    return records, left_out + troubles


def _fits(file: Path, wanted: str) -> bool:
    set_name = file.parts[0]
    return set_name == wanted or set_name.startswith(f"{wanted}-") or fnmatch.fnmatchcase(set_name, wanted)


def check_set(record: Record, embeddings: EmbeddingSet) -> None:
    """Refuse a result that `embeddings` cannot judge.

    Raises:
        UserError: it was measured on other vectors, or on other documents than a subset has now.
    """
    if record.fingerprint != embeddings.fingerprint:
        raise UserError(f"{record.path} was measured on other vectors than {embeddings.path} holds; run it again")
    if (subset := subset_of(record, embeddings)) and subset.name != record.sample:
        raise UserError(f"{record.path} was measured on other documents of {embeddings.path}; run it again")


def _references(contrasts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What the comparisons by each measure are with."""
    return {measure: one["with"] for measure, one in contrasts.items()}


def _made_by(embeddings: EmbeddingSet) -> str:
    """What figures depend on beside the answers: the judgements and the measures' definitions."""
    return f"{_definitions()}:{_judgements(*_stamp(embeddings))}"


def _definitions() -> str:
    return hashlib.sha256(json.dumps(versions()).encode()).hexdigest()[:8]


def _stamp(embeddings: EmbeddingSet) -> tuple[Path, int]:
    return embeddings.path, embeddings.path.stat().st_mtime_ns


@lru_cache(maxsize=64)
def _judgements(path: Path, mtime: int) -> str:
    """A hash of what the vectors' fingerprint does not cover."""
    embeddings = EmbeddingSet.open(path)
    digest = hashlib.sha256(b"" if embeddings.qrels is None else embeddings.qrels.tobytes())
    digest.update(own_documents_of(path, mtime).tobytes())
    return digest.hexdigest()[:16]
