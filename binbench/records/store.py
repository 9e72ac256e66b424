"""Where records come from: result files below a folder, and one index file that saves opening them all."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import atomic, file_in
from binbench.hdf5 import array, attributes_of, look, opened
from binbench.records.record import Figures, Record
from binbench.seal import examine_all
from binbench.sets.embeddings import EmbeddingSet
from binbench.texts import cleaned, hides

logger = logging.getLogger("binbench")

#: Below the results folder; opening a thousand HDF5 files takes seconds, reading this a fraction of one.
INDEX = ".records.json"
#: Raised when what the index holds of a file changes.
INDEX_SCHEMA = 2
REMEDY = "delete it and run again"
#: The arrays of a result with answers: the lengths of their axes, by letter, and numpy's letters of their types.
MEMBERS = {
    "times": ("Q", "f"),
    "neighbors": ("Qk", "iu"),
    "distances": ("Qk", "f"),
    "scores": ("Qk", "f"),
    "repeat_seconds": ("R", "f"),
    "latencies": ("RQ", "f"),
    "tied_ids": ("T", "iu"),
    "tied_scores": ("T", "f"),
    "tied_offsets": ("O", "iu"),
    "figures": ("MQ", "f"),
}
REQUIRED = ("times", "neighbors", "distances")
#: The attributes that say how long an axis is; others may have any length.
_LENGTHS = {"Q": "queries", "k": "count"}
#: Attributes of a result file that are JSON text, because they hold more than one value.
JSON_ATTRIBUTES = (
    "parameters",
    "query_arguments",
    "footprint",
    "facts",
    "provenance",
    "hypotheses",
    "latency",
    "noop_overhead",
    "origin",
    "figures",
    "contrasts",
)


def read(results_dir: Path, paths: Iterable[Path] | None = None, data_dir: Path | None = None) -> list[Record]:
    """The records of all results below `results_dir`, ordered by path with numbers as numbers, or those of `paths`.

    A file that cannot be read becomes a record with the status ``unreadable``. Every record knows the result of
    ``float`` that it is compared with, which is looked for below `results_dir`, also when `paths` are given.

    Args:
        results_dir: root of the result files.
        paths: result files below it, in the order wanted.
        data_dir: where embedding sets live: records that were measured on other vectors than are there now say so.

    Raises:
        UserError: there are no results.
    """
    wanted = list(paths) if paths is not None else [results_dir / name for name in files_under(results_dir)]
    if not wanted:
        raise UserError(f"no results below {results_dir}; `binbench run` makes some, --results-dir names their folder")
    index = _read_index(results_dir)
    examine_all(path for path in wanted if _held(results_dir, path, index) is None)
    records = [_record(results_dir, path, index) for path in wanted]
    _refer(results_dir, records, index)
    now_of = _fingerprints(data_dir, {record.set for record in records}) if data_dir else {}
    for record in records:
        now = now_of.get(record.set, record.fingerprint)
        if record.status != "unreadable" and now != record.fingerprint:
            record._remarks.append(f"measured on other vectors than {record.set} holds now")
        if record.status == "ok" and record.figures is None:
            record._remarks.append("no figures yet; `binbench evaluate` computes them")
    return records


def write_index(results_dir: Path) -> None:
    """Bring the index of `results_dir` up to date; nothing is lost where it cannot be written."""
    index = _read_index(results_dir)
    paths = {name: results_dir / name for name in files_under(results_dir)}
    examine_all(path for path in paths.values() if _held(results_dir, path, index) is None)
    fresh: dict[str, Any] = {}
    for name, path in paths.items():
        with suppress(UserError):
            fresh[name] = _held(results_dir, path, index) or {"stamp": _stamp(path), **_opened(path)}
    if fresh == index:
        return
    try:
        with atomic(results_dir / INDEX) as temporary:
            temporary.write_text(json.dumps({"schema": INDEX_SCHEMA, "files": fresh}))
    except UserError as error:
        logger.debug("no index of results: %s", error)


def open_record(path: Path) -> Record:
    """The record at `path`, without its reference.

    Raises:
        UserError: it cannot be read.
    """
    return Record.of(path, _opened(path))


def member(path: Path, name: str, shape: Sequence[int | None] | None = None) -> NDArray[Any] | None:
    """An array of the result file at `path`; None where it has none of that name.

    Args:
        path: the result file.
        name: of one of :data:`MEMBERS`.
        shape: what it must be, None for any length; None for what every result has.

    Raises:
        UserError: it cannot be read, or is of another shape or type.
    """
    letters, kinds = MEMBERS[name]
    with opened(path, REMEDY) as file:
        return array(file, name, (None,) * len(letters) if shape is None else shape, kinds)


def files_under(results_dir: Path) -> list[str]:
    """Result files below `results_dir`, relative to it; os.walk is several times faster than rglob."""
    names = [
        os.path.join(below, name)
        for folder, _, files in os.walk(results_dir)
        for below in [os.path.relpath(folder, results_dir) if files else ""]
        for name in files
        if name.endswith(".hdf5") and not name.startswith(".")
    ]
    return sorted(map(os.path.normpath, names), key=_by_number)


def below(results_dir: Path, path: Path) -> str:
    """`path` relative to `results_dir`; for what lies below as it stands, much faster than os.path.relpath."""
    text, root = str(path), f"{results_dir}{os.sep}"
    return text.removeprefix(root) if text.startswith(root) else os.path.relpath(path, results_dir)


def _by_number(path: str) -> list[Any]:
    """Sort key that puts pq8 before pq16."""
    digits = "".join(c if c.isdigit() else " " for c in path).split()
    letters = "".join(" " if c.isdigit() else c for c in path).split()
    return [part for pair in zip(letters, [*map(int, digits), 0], strict=False) for part in pair]


def _record(results_dir: Path, path: Path, index: Mapping[str, Any]) -> Record:
    try:
        return Record.of(path, _held(results_dir, path, index) or _opened(path))
    except UserError as error:
        return Record.unreadable(path, str(error))


def _held(results_dir: Path, path: Path, index: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the `index` holds of the file at `path`; None where it has changed since, or is gone."""
    held: dict[str, Any] | None = index.get(below(results_dir, path))
    with suppress(UserError):
        return held if held and held["stamp"] == _stamp(path) else None
    return None


def _opened(path: Path) -> dict[str, Any]:
    """What a record is made from: the file's attributes, and the summary of its figures where these are whole.

    Arrays are looked at, not read, so that a damaged one is found before anything is shown of the result.
    """
    with opened(path, REMEDY) as file:
        # Where several values are, there is none that a record could hold.
        attributes: dict[str, Any] = {
            key: one if isinstance(one, str | int | float) else [] for key, one in attributes_of(file).items()
        }
        for key in JSON_ATTRIBUTES:
            if key in attributes:
                attributes[key] = _decoded(key, attributes[key])
        figures, contrasts = attributes.pop("figures", None), attributes.pop("contrasts", {})
        attributes = {key: cleaned(one) if isinstance(one, str) else one for key, one in attributes.items()}
        if attributes.get("status", "ok") != "ok" or "inputs" not in attributes:
            return {"attributes": attributes}
        lengths = {letter: attributes.get(key) for letter, key in _LENGTHS.items()}
        for name, (letters, kinds) in MEMBERS.items():
            found = look(file, name, [lengths.get(letter) for letter in letters], kinds)
            if found is None and name in REQUIRED:
                raise ValueError(f"it has no {name!r}")
        # What another version stored, or a part of it, is computed anew.
        whole = Figures.of(path, figures)
        rows = found.shape[0] if found else 0
    if whole is None or len(whole.names) != rows:
        return {"attributes": attributes}
    return {"attributes": attributes, "figures": figures, "contrasts": contrasts}


def _decoded(key: str, text: Any) -> Any:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"its attribute {key} is no JSON") from error
    return cleaned(found) if hides(text) else found


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return f"{found.st_mtime_ns}:{found.st_size}"


def _read_index(results_dir: Path) -> dict[str, Any]:
    """What the index holds, by file; nothing where it is absent, broken or of another version."""
    try:
        text = (results_dir / INDEX).read_text()
        found = json.loads(text)
        files = found["files"] if found["schema"] == INDEX_SCHEMA else {}
        files = {name: held for name, held in files.items() if held.keys() >= {"stamp", "attributes"}}
        # What the harness writes hides nothing; the names of files stay as they are.
        return {name: cleaned(held) for name, held in files.items()} if hides(text) else files
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _refer(results_dir: Path, records: list[Record], index: Mapping[str, Any]) -> None:
    """Give every record its reference: a good result of ``float`` with the same group.

    Which one does not depend on what else is read: that of the same mode and threads, which is always run along.
    """
    references: dict[tuple[Any, ...], list[Record]] = {}
    for record in [*records, *_beside(results_dir, records, index)]:
        if record.instance == "float" and record.status == "ok":
            references.setdefault(record.group, []).append(record)
    for record in records:
        if record.status == "ok":
            record._reference = min(references.get(record.group, ()), key=partial(_unlike, record), default=None)


def _unlike(record: Record, reference: Record) -> tuple[bool, bool, str]:
    """Smallest for the reference that was measured most like `record`."""
    return reference.batch != record.batch, reference.threads != record.threads, str(reference.path)


def _beside(results_dir: Path, records: list[Record], index: Mapping[str, Any]) -> Iterator[Record]:
    """Results of ``float`` beside `records` that are not among them."""
    known = {record.path for record in records}
    folders = dict.fromkeys(record.path.parents[1] for record in records if len(record.path.parts) > 2)
    for folder in folders:
        for family in ("float-batch", "float"):
            for path in sorted(folder.joinpath(family).glob("float_*.hdf5")):
                if path not in known:
                    yield _record(results_dir, path, index)


def _fingerprints(data_dir: Path, names: Iterable[str]) -> dict[str, str]:
    """The fingerprints of those sets called `names` that are in `data_dir` and can be read."""
    found = {}
    for name in sorted(names):
        if path := file_in(data_dir, f"{name}.hdf5"):
            try:
                found[name] = EmbeddingSet.open(path).fingerprint
            except UserError as error:
                logger.warning("%s", error)
    return found
