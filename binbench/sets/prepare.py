"""From a dataset's name to its embedding set."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import writing
from binbench.progress import progress
from binbench.provenance import versions
from binbench.sets.corpus import Collection, SourceOptions, VectorSource, set_name
from binbench.sets.embeddings import EmbeddingSet, write_set
from binbench.sets.encoders import EncoderOptions, Kind, normalized
from binbench.sets.encoding import Encoding, encoder_key
from binbench.sets.identity import Identity, difference
from binbench.sets.inputs import Inputs, changes, contents
from binbench.sets.own_vectors import VectorFile, VectorOptions
from binbench.sets.sources import Source, find_source

logger = logging.getLogger("binbench")

TEXT_RULE = '(title + " " + text).strip()'


@dataclass(frozen=True)
class Preparation:
    """One embedding set to be made, or found made already.

    Attributes:
        dataset: a registered name, a BEIR-layout folder, or a file of vectors.
        encoder: for sources of texts.
        source: split, seed (the encoder's too, where it uses one) and folders.
        data_dir: where embedding sets live.
        vectors: what goes with a file of vectors.
    """

    dataset: str
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    source: SourceOptions = field(default_factory=SourceOptions)
    data_dir: Path = Path("data")
    vectors: VectorOptions = field(default_factory=VectorOptions)

    @cached_property
    def origin(self) -> Source:
        """Where documents and queries come from."""
        return find_source(self.dataset, self.source, self.vectors)

    @property
    def identity(self) -> Identity:
        """Everything that the set is made from."""
        parts = {"source": self.origin.identity()}
        if self.origin.needs_encoder:
            parts["encoder"] = self.encoder.identity(self.source.seed)
        return parts

    @property
    def inputs(self) -> Inputs:
        """The files and versions that the set is current with."""
        parts = {"source": self.origin.inputs()}
        if self.origin.needs_encoder:
            parts["encoder"] = self.encoder.inputs()
        return parts

    @property
    def stem(self) -> str:
        """What the set is called, unless another has the name; what differs from the defaults is part of it."""
        origin, seeded = self.origin, self.origin.seeded
        parts = [origin.name, *([set_name(origin.split)] if origin.split else [])]
        if origin.needs_encoder:
            parts.append(self.encoder.name)
            seeded = seeded or self.encoder.seeded
        if self.source.seed and seeded:
            parts.append(f"seed{self.source.seed}")
        return "-".join(parts)

    @property
    def path(self) -> Path:
        """Where the set is written; a hash of the identity is put to the name where a set of another one has it."""
        return self._path(self._there[1])

    @property
    def _plain(self) -> Path:
        return self.data_dir / f"{self.stem}.hdf5"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()

    def _path(self, other: tuple[str, str] | None) -> Path:
        return self._plain if other is None else self._plain.with_stem(f"{self.stem}-{self._digest[:8]}")

    @property
    def _there(self) -> tuple[EmbeddingSet | None, tuple[str, str] | None]:
        """The set of that name, and in what it differs from this one, there and here; None where it is this one."""
        try:
            found = EmbeddingSet.open(self._plain) if self._plain.is_file() else None
        except UserError:  # what is damaged may be made anew
            found = None
        if found and not found.is_ours:
            return found, ("vectors by another program", self.origin.location)
        return found, difference(self.identity, found.attributes, self.source) if found else None

    def find(self) -> EmbeddingSet | None:
        """The set, if it is there and its inputs are what they were.

        Raises:
            UserError: it is damaged.
        """
        stored = self._stored()
        return None if stored is None or self._changes(stored) else stored

    def changed(self) -> list[str]:
        """The inputs, by what people call them, for which the set that is there is stale."""
        return self._changes(stored) if (stored := self._stored()) else []

    def run(self, force: bool = False) -> EmbeddingSet:
        """Find or make the set; `force` makes it anew.

        Raises:
            UserError: the source, the encoder or the vectors are not usable, or the disk refuses.
        """
        if not force and (found := self.find()):
            return found
        with writing(self.data_dir):
            self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.data_dir / f".{self.stem}.lock")
        with writing(self.path), lock:
            if force:
                return self._make(None)
            # Another process may have made it while this one waited.
            stored = self._stored()
            if stored and not (changed := self._changes(stored)):
                return stored
            if stored:
                logger.info("%s: %s changed; making it anew", stored.name, ", ".join(changed))
            return self._make(stored or self._namesake())

    def _stored(self) -> EmbeddingSet | None:
        if isinstance(self.origin, VectorFile) and (finished := self.origin.finished()):
            return finished
        found, other = self._there
        if found and not other:
            return found
        path = self._path(other)
        return EmbeddingSet.open(path) if path.is_file() else None

    def _namesake(self) -> EmbeddingSet | None:
        """The other set of that name: where it is of the same texts, a folder that was moved, say, these are known."""
        found, other = self._there
        return found if other else None

    def _changes(self, stored: EmbeddingSet) -> list[str]:
        """What a stored set is stale for; one that the user named as a file is taken as it is."""
        return [] if stored.path == self.origin.path else changes(self.inputs, stored.attributes, stored.path)

    def _make(self, earlier: EmbeddingSet | None) -> EmbeddingSet:
        """Make the set; an `earlier` one gives the vectors of the texts that it has."""
        other = self._there[1]
        path = self._path(other)
        if other:
            logger.info("%s was made from %s, not %s; this set is called %s", self.stem, *other, path.stem)
        before = contents(self.inputs, self.data_dir)
        source = self.origin.load()
        # What loading downloaded was not there before; what changes meanwhile makes the set stale.
        inputs = {part: of | before[part] for part, of in contents(self.inputs, self.data_dir).items()}
        if isinstance(source, Collection) is not self.origin.needs_encoder:
            raise UserError(f"dataset {self.dataset} gives a {type(source).__name__}, other than it declares")
        known = {"source": self.origin.location, "identity": self.identity, "inputs": inputs, "versions": versions()}
        if isinstance(source, VectorSource):
            made = self._from_vectors(source, path, known)
        else:
            made = self._from_collection(source, path, known, earlier)
        if copies := made.attributes["queries_in_train"]:
            logger.warning("%s: %d of %d queries occur among the documents", made.name, copies, len(made.test))
        return made

    def _from_vectors(self, source: VectorSource, path: Path, known: Mapping[str, Any]) -> EmbeddingSet:
        angular = source.distance == "angular"

        def blocks() -> Iterator[NDArray[np.float32]]:
            for block in source.train():
                yield normalized(block) if angular else block

        attributes = {
            "distance": source.distance,
            "dataset": source.name,
            "split": self.origin.split or "",
            "encoder": "",
            "provenance": source.provenance,
            **known,
        }
        shape = source.count, source.dimension
        test = normalized(source.test) if angular else source.test
        with _writing(path, source.count) as advance:
            return write_set(path, shape, blocks(), test, attributes, ids=source.ids, progress=advance)

    def _from_collection(
        self, collection: Collection, path: Path, known: Mapping[str, Any], earlier: EmbeddingSet | None
    ) -> EmbeddingSet:
        for warning in collection.warnings:
            logger.warning("%s: %s", collection.name, warning)
        encoder = self.encoder.fitted(collection.documents, self.source.seed)
        key = encoder_key(encoder, known["inputs"]["encoder"], collection.documents)
        shards = self.data_dir / f".{path.stem}.shards"
        both: dict[Kind, list[str]] = {"document": collection.documents, "query": collection.queries}
        documents, queries = (
            _encoded(collection.name, Encoding.of(texts, kind, encoder, shards / kind, key, earlier))
            for kind, texts in both.items()
        )
        test = np.concatenate(list(queries.blocks()))
        before = earlier.attributes if earlier else {}
        seconds = documents.seconds(before.get("encode_seconds"))
        query_seconds = queries.seconds(before.get("query_encode_seconds"))
        fresh = documents.shards.seconds() + queries.shards.seconds()
        attributes = {
            "distance": "angular",
            "dataset": collection.name,
            "split": collection.split,
            "encoder_spec": self.encoder.instance.name,
            "encoder_key": key,
            "text_rule": TEXT_RULE,
            "encode_seconds": seconds,
            "query_encode_seconds": query_seconds,
            "earlier_encodings": _replaced(path, seconds + query_seconds - fresh),
            "documents_per_second": len(collection.documents) / seconds if seconds else 0.0,
            "provenance": collection.provenance | _without_text(collection),
            "warnings": collection.warnings,
            **known,
        } | encoder.provenance
        shape = len(collection.documents), test.shape[1]
        with _writing(path, shape[0]) as advance:
            made = write_set(
                path,
                shape,
                documents.blocks(),
                test,
                attributes,
                ids=(collection.doc_ids, collection.query_ids),
                keys=(documents.keys, queries.keys),
                qrels=collection.qrels,
                progress=advance,
            )
        shutil.rmtree(shards, ignore_errors=True)
        return made


def _replaced(path: Path, kept: float) -> dict[str, float]:
    """Seconds of encoding, by device, that the set at `path` cost, but for those `kept` in the one that replaces it."""
    try:
        old = EmbeddingSet.open(path).attributes if path.is_file() else {}
    except UserError:
        old = {}
    spent, device = dict(old.get("earlier_encodings", {})), str(old.get("device_name", ""))
    lost = old.get("encode_seconds", 0.0) + old.get("query_encode_seconds", 0.0) - kept
    return spent | {device: spent.get(device, 0.0) + lost} if lost > 0 else spent


def check_dataset(dataset: str, source: SourceOptions) -> None:
    """See, without loading anything, whether there is such a dataset.

    Raises:
        UserError: there is none; the nearest names are suggested.
    """
    find_source(dataset, source).check()


def _writing(path: Path, rows: int) -> AbstractContextManager[Callable[[int], None]]:
    """Progress over writing `rows` rows and then searching them."""
    return progress(f"writing {path.stem}, exact neighbours", 2 * rows)


def _encoded(name: str, encoding: Encoding) -> Encoding:
    """`encoding`, of the collection `name`, once it is done."""
    shards, total = encoding.shards, len(encoding.rows)
    what = "documents" if shards.kind == "document" else "queries"
    known = total - len(shards.texts)
    if shards.remaining < len(shards.texts):
        logger.info("%s: going on after %d of %d %s", name, total - shards.remaining, total, what)
    if shards.remaining:
        beside = f"; {known} of {total} are as they were" if known else ""
        logger.info("%s: encoding %d %s with %s%s", name, shards.remaining, what, shards.encoder.name, beside)
        with progress(f"encoding {name}", total, what, total - shards.remaining) as advance:
            shards.run(advance)
    return encoding


def _without_text(collection: Collection) -> dict[str, list[int]]:
    """The rows of documents without text, at most a thousand: statistics of the vectors leave them out."""
    empty = [row for row, text in enumerate(collection.documents) if not text][:1000]
    return {"empty_documents": empty} if empty else {}
