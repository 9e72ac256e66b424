"""From a dataset's name to its embedding set."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import writing
from binbench.progress import progress
from binbench.provenance import versions
from binbench.sets.corpus import Collection, SourceOptions, VectorSource, set_name
from binbench.sets.embeddings import EmbeddingSet, write_set
from binbench.sets.encoders import Encoder, EncoderOptions, at_unit_length, normalized
from binbench.sets.identity import Identity, difference
from binbench.sets.shards import ShardedEncoding
from binbench.sets.sources import Source, VectorFile, find_source

logger = logging.getLogger("binbench")

TEXT_RULE = '(title + " " + text).strip()'


@dataclass(frozen=True)
class Preparation:
    """One embedding set to be made, or found made already.

    Attributes:
        dataset: a registered name, a BEIR-layout folder, an HDF5 file, or a .npy file of base vectors.
        encoder: for sources of texts.
        source: split, seed (the encoder's too, where it uses one) and folders.
        queries: a .npy file of query vectors; only with a .npy dataset.
        data_dir: where embedding sets live.
    """

    dataset: str
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    source: SourceOptions = field(default_factory=SourceOptions)
    data_dir: Path = Path("data")
    queries: str | None = None

    @cached_property
    def origin(self) -> Source:
        """Where documents and queries come from."""
        return find_source(self.dataset, self.source, self.queries)

    @property
    def identity(self) -> Identity:
        """Everything that the set is made from."""
        parts = {"source": self.origin.identity()}
        if self.origin.needs_encoder:
            parts["encoder"] = self.encoder.identity(self.source.seed)
        return parts

    @property
    def path(self) -> Path:
        """Where the set is written; what differs from the defaults is part of the name."""
        origin, seeded = self.origin, self.origin.seeded
        parts = [origin.name, *([set_name(origin.split)] if origin.split else [])]
        if origin.needs_encoder:
            parts.append(self.encoder.name)
            seeded = seeded or self.encoder.seeded
        if self.source.seed and seeded:
            parts.append(f"seed{self.source.seed}")
        return self.data_dir / f"{'-'.join(parts)}.hdf5"

    def find(self) -> EmbeddingSet | None:
        """The set, if it is there.

        Raises:
            UserError: a set of another identity has its name.
        """
        if isinstance(self.origin, VectorFile) and self.origin.is_hdf5:
            found = EmbeddingSet.open(self.origin.path)
            if found.is_ours:
                return found
        if not self.path.is_file():
            return None
        found = EmbeddingSet.open(self.path)
        if differing := difference(self.identity, found.attributes, self.source):
            stored, asked = differing
            raise UserError(
                f"{self.path} was made from {stored}, not {asked}; rename one of them, use another --data-dir, "
                "or make it anew with `binbench prepare --force`"
            )
        return found

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
        source = self.origin.load()
        if isinstance(source, Collection) is not self.origin.needs_encoder:
            raise UserError(f"dataset {self.dataset} gives a {type(source).__name__}, other than it declares")
        made = self._from_vectors(source) if isinstance(source, VectorSource) else self._from_collection(source)
        if copies := made.attributes["queries_in_train"]:
            logger.warning("%s: %d of %d queries occur among the documents", made.name, copies, len(made.test))
        return made

    def _spent(self) -> dict[str, float]:
        """Seconds that went into encodings of the set which this one replaces, by device."""
        try:
            old = EmbeddingSet.open(self.path).attributes
        except UserError:
            return {}
        spent, device = dict(old["earlier_encodings"]), str(old.get("device_name", ""))
        if "encode_seconds" in old:
            spent[device] = spent.get(device, 0.0) + old["encode_seconds"] + old.get("query_encode_seconds", 0.0)
        return spent

    def _writing(self, rows: int) -> AbstractContextManager[Callable[[int], None]]:
        """Progress over writing `rows` rows and then searching them."""
        return progress(f"writing {self.path.stem}, exact neighbours", 2 * rows)

    def _from_vectors(self, source: VectorSource) -> EmbeddingSet:
        angular = source.distance == "angular"

        def blocks() -> Iterator[NDArray[np.float32]]:
            for block in source.train():
                yield normalized(block) if angular else block

        attributes = {
            "distance": source.distance,
            "dataset": source.name,
            "source": self.origin.location,
            "split": self.origin.split or "",
            "encoder": "",
            "identity": self.identity,
            "provenance": source.provenance,
            "versions": versions(),
        }
        shape = source.count, source.dimension
        test = normalized(source.test) if angular else source.test
        with self._writing(source.count) as advance:
            return write_set(self.path, shape, blocks(), test, attributes, progress=advance)

    def _from_collection(self, collection: Collection) -> EmbeddingSet:
        for warning in collection.warnings:
            logger.warning("%s: %s", collection.name, warning)
        encoder = self.encoder.open(self.source.seed)
        shards = self.data_dir / f".{self.path.stem}.shards"
        documents = _encode(shards / "documents", encoder, collection)
        queries = ShardedEncoding(shards / "queries", encoder, collection.queries, "query")
        queries.run(lambda texts: None)
        test = at_unit_length(np.concatenate(list(queries.blocks())))
        seconds = documents.seconds()
        attributes = {
            "distance": "angular",
            "dataset": collection.name,
            "source": self.origin.location,
            "split": collection.split,
            "encoder_spec": self.encoder.instance.name,
            "identity": self.identity,
            "text_rule": TEXT_RULE,
            "encode_seconds": seconds,
            "query_encode_seconds": queries.seconds(),
            "earlier_encodings": self._spent(),
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
                map(at_unit_length, documents.blocks()),
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
    find_source(dataset, source).check()


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
