"""From a dataset's name to its embedding set."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import writing
from binbench.plugins.registry import DATASETS
from binbench.progress import progress
from binbench.provenance import versions
from binbench.sets import DEFAULT_ENCODER, Precision
from binbench.sets.corpus import Collection, SourceOptions, VectorSource, find_collection, open_source, set_name
from binbench.sets.embeddings import BLOCK_ROWS, EmbeddingSet, write_set
from binbench.sets.encoders import Encoder, encoder_name, open_encoder, unit_rows
from binbench.sets.shards import ShardedEncoding

logger = logging.getLogger("binbench")

TEXT_RULE = '(title + " " + text).strip()'


@dataclass(frozen=True)
class EncoderOptions:
    """Which encoder to use and how: see :func:`binbench.sets.encoders.open_encoder`."""

    spec: str = DEFAULT_ENCODER
    device: str | None = None
    precision: Precision = "fp32"
    max_tokens: int | None = None


@dataclass(frozen=True)
class Preparation:
    """One embedding set to be made, or found made already.

    Attributes:
        dataset: a registered name, a BEIR-layout folder, an HDF5 file, or a .npy file of base vectors.
        queries: a .npy file of query vectors; only with a .npy dataset.
        data_dir: where embedding sets live.
    """

    dataset: str
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    source: SourceOptions = field(default_factory=SourceOptions)
    data_dir: Path = Path("data")
    queries: str | None = None

    def find(self) -> EmbeddingSet | None:
        """The set, if it is there."""
        given = Path(self.dataset).expanduser()
        if _is_hdf5(self.dataset):
            found = EmbeddingSet.open(given)
            if found.is_ours:
                return found
        if not self.path.is_file():
            return None
        found = EmbeddingSet.open(self.path)
        asked = {
            "source": _identity(self.dataset),
            "encoder_spec": "" if found.attributes.get("encoder") == "" else self.encoder.spec,
        }
        for key, value in asked.items():
            stored = found.attributes.get(key, value)
            if stored != value:
                raise UserError(
                    f"{self.path} was made from {stored}, not {value}; rename one of them, use another --data-dir, "
                    "or make it anew with `binbench prepare --force`"
                )
        return found

    @property
    def path(self) -> Path:
        """Where the set is written."""
        stem = self._vector_name
        if stem is None:
            stem = "-".join(
                part
                for part in (
                    set_name(Path(self.dataset).name),
                    self.source.split and set_name(self.source.split),
                    encoder_name(self.encoder.spec),
                    self.encoder.precision if self.encoder.precision != "fp32" else "",
                    f"{self.encoder.max_tokens}t" if self.encoder.max_tokens else "",
                    f"seed{self.source.seed}" if self.source.seed and self.dataset.endswith("-500k") else "",
                )
                if part
            )
        return self.data_dir / f"{stem}.hdf5"

    @property
    def _vector_name(self) -> str | None:
        """The name of a set that needs no encoder."""
        if _is_hdf5(self.dataset) or self.dataset.endswith(".npy"):
            return set_name(Path(self.dataset).stem)
        if re.fullmatch(r"synthetic-\d+x\d+", self.dataset):
            return self.dataset + (f"-seed{self.source.seed}" if self.source.seed else "")
        return None

    def run(self, force: bool = False) -> EmbeddingSet:
        """Find or make the set; `force` makes it anew.

        Raises:
            UserError: the source, the encoder or the vectors are not usable, or the disk refuses.
        """
        if not force and (found := self.find()):
            return found
        with writing(self.data_dir):
            self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path.with_name(f".{self.path.stem}.lock"))
        with writing(self.path), lock:
            # Another process may have made it while this one waited.
            if not force and (found := self.find()):
                return found
            return self._make()

    def _make(self) -> EmbeddingSet:
        source = _open_vectors(self.dataset, self.queries) or open_source(self.dataset, self.source)
        made = self._from_vectors(source) if isinstance(source, VectorSource) else self._from_collection(source)
        if copies := made.attributes["queries_in_train"]:
            logger.warning("%s: %d of %d queries occur among the documents", made.name, copies, len(made.test))
        return made

    def _writing(self, rows: int) -> AbstractContextManager[Callable[[int], None]]:
        """Progress over writing `rows` rows and then searching them."""
        return progress(f"writing {self.path.stem}, exact neighbours", 2 * rows)

    def _from_vectors(self, source: VectorSource) -> EmbeddingSet:
        angular = source.distance == "angular"

        def blocks() -> Iterator[NDArray[np.float32]]:
            for block in source.train():
                yield _normalized(block) if angular else block

        attributes = {
            "distance": source.distance,
            "dataset": source.name,
            "source": _identity(self.dataset),
            "split": "",
            "encoder": "",
            "provenance": source.provenance,
            "versions": versions(),
        }
        shape = source.count, source.dimension
        test = _normalized(source.test) if angular else source.test
        with self._writing(source.count) as advance:
            return write_set(self.path, shape, blocks(), test, attributes, progress=advance)

    def _from_collection(self, collection: Collection) -> EmbeddingSet:
        for warning in collection.warnings:
            logger.warning("%s: %s", collection.name, warning)
        encoder = open_encoder(
            self.encoder.spec,
            self.encoder.device,
            self.encoder.precision,
            self.source.seed,
            self.encoder.max_tokens,
        )
        shards = self.data_dir / f".{self.path.stem}.shards"
        documents = _encode(shards / "documents", encoder, collection)
        queries = ShardedEncoding(shards / "queries", encoder, collection.queries, "query")
        queries.run(lambda texts: None)
        test = np.concatenate(list(queries.blocks()))
        seconds = documents.seconds()
        attributes = {
            "distance": "angular",
            "dataset": collection.name,
            "source": _identity(self.dataset),
            "split": collection.split,
            "encoder_spec": self.encoder.spec,
            "text_rule": TEXT_RULE,
            "encode_seconds": seconds,
            "query_encode_seconds": queries.seconds(),
            "documents_per_second": len(collection.documents) / seconds if seconds else 0.0,
            "provenance": collection.provenance,
            "warnings": collection.warnings,
            "versions": versions(),
        } | encoder.provenance
        shape = len(collection.documents), test.shape[1]
        with self._writing(shape[0]) as advance:
            made = write_set(
                self.path,
                shape,
                documents.blocks(),
                test,
                attributes,
                ids=(collection.doc_ids, collection.query_ids),
                qrels=collection.qrels,
                progress=advance,
            )
        shutil.rmtree(shards, ignore_errors=True)
        return made


def check_dataset(dataset: str, source: SourceOptions) -> None:
    """See, without loading anything, whether there is such a dataset.

    Raises:
        UserError: there is none; the nearest names are suggested.
    """
    if _is_hdf5(dataset) or dataset.endswith(".npy"):
        if not Path(dataset).expanduser().is_file():
            raise UserError(f"{dataset} does not exist")
    elif not any(family.match(dataset) for family in DATASETS.families()):
        folder = find_collection(dataset, source)
        if not folder.is_dir():
            raise UserError(f"the collection's folder {folder} does not exist")


def _encode(folder: Path, encoder: Encoder, collection: Collection) -> ShardedEncoding:
    encoder.fit(collection.documents)
    sharded = ShardedEncoding(folder, encoder, collection.documents, "document")
    total = len(collection.documents)
    todo = sharded.remaining
    if todo < total:
        logger.info("%s: going on after %d of %d documents", collection.name, total - todo, total)
    logger.info("%s: encoding %d documents with %s", collection.name, todo, encoder.name)
    with progress(f"encoding {collection.name}", total, "documents", total - todo) as advance:
        sharded.run(advance)
    return sharded


def _open_vectors(dataset: str, queries: str | None) -> VectorSource | None:
    """The source for a foreign HDF5 file or a pair of .npy files; None for anything else."""
    if _is_hdf5(dataset):
        foreign = EmbeddingSet.open(Path(dataset).expanduser())
        if foreign.distance not in ("angular", "euclidean"):
            raise UserError(f"{dataset}: distance {foreign.distance!r} is not supported; angular and euclidean are")
        return _array_source(set_name(foreign.name), foreign.train, foreign.test, foreign.distance, str(foreign.path))
    if dataset.endswith(".npy"):
        if not queries:
            raise UserError(f"{dataset} needs its queries: --train {dataset} --queries QUERIES.npy")
        return _array_source(set_name(Path(dataset).stem), _load_npy(dataset), _load_npy(queries), "angular", dataset)
    return None


def _array_source(name: str, train: NDArray[Any], test: NDArray[Any], distance: str, origin: str) -> VectorSource:
    def blocks() -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(train), BLOCK_ROWS):
            yield np.asarray(train[start : start + BLOCK_ROWS], dtype=np.float32)

    return VectorSource(
        name,
        len(train),
        train.shape[1],
        blocks,
        np.asarray(test, dtype=np.float32),
        distance,
        {"origin": Path(origin).name},
    )


def _load_npy(name: str) -> NDArray[Any]:
    path = Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path} is not a readable .npy file: {str(error).partition(chr(10))[0]}") from error
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
        raise UserError(
            f"{path} must hold a 2-D array of floats, one vector a row; it holds {array.dtype} {array.shape}"
        )
    if not len(array):
        raise UserError(f"{path} is empty: it holds no vectors")
    return array


def _normalized(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit rows; rows without a direction pass through, for write_set to name them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = unit_rows(block)
    directionless = ~np.isfinite(unit).all(axis=1)
    unit[directionless] = block[directionless]
    return unit


def _is_hdf5(dataset: str) -> bool:
    return dataset.endswith((".hdf5", ".h5"))


def _identity(dataset: str) -> str:
    """What tells two sources of one name apart: a path in full, a name as it is."""
    path = Path(dataset).expanduser()
    return str(path.resolve()) if path.exists() and ("/" in dataset or path.is_file()) else dataset
