"""The collections of BEIR (Thakur et al., 2021, https://arxiv.org/abs/2104.08663)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from binbench import Collection, SourceOptions, UserError, register_dataset
from binbench.sets.beir_layout import beir_folder, beir_inputs, load_beir
from binbench.sets.download import Unavailable, fetch_zip
from binbench.sets.hub import fetch_mirrored, origin_of

logger = logging.getLogger("binbench")

URL = "https://public.ukp.informatik.tu-darmstadt.de/thakur/BEIR/datasets"


@dataclass(frozen=True)
class Row:
    """What is known of a collection.

    Attributes:
        md5, size: of its zip file; bytes.
        documents: in the corpus.
        splits: judged queries and judgements of splits, None where not known; the first is the default.
    """

    name: str
    md5: str
    size: int
    documents: int
    splits: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)

    @property
    def default_split(self) -> str:
        """The split that scores are published for."""
        return next(iter(self.splits))


# The md5 of fever and webis-touche2020 are those of the files; beir's own list is wrong and stale there.
ROWS = (
    Row("scifact", "5f7d1de60b170fc8027bb7898e2efca1", 2_816_079, 5_183, {"test": (300, 339), "train": (809, 919)}),
    Row("nfcorpus", "a89dba18a62ef92f7d323ec890a0d38d", 2_448_432, 3_633, {"test": (323, 12_334)}),
    Row("arguana", "8ad3e3c2a5867cdced806d6503f29b99", 3_773_617, 8_674, {"test": (1_406, 1_406)}),
    Row("scidocs", "38121350fc3a4d2f48850f6aff52e4a9", 142_471_588, 25_657, {"test": (1_000, 29_928)}),
    Row("fiqa", "17918ed23cd04fb15047f73e6c3bd9d9", 17_948_027, 57_638, {"test": (648, 1_706)}),
    Row("nq", "d4d3d2e48787a744b6f6e691ff534307", 498_307_926, 2_681_468, {"test": (3_452, 4_201)}),
    Row("msmarco", "444067daf65d982533ea17ebd59501e4", 1_082_258_632, 8_841_823, {"dev": (6_980, 7_437)}),
    Row("trec-covid", "ce62140cb23feb9becf6270d0d1fe6d1", 73_876_720, 171_332, {"test": (50, None)}),
    Row("hotpotqa", "f412724f78b0d91183a0e86805e16114", 654_025_350, 5_233_329, {"test": (7_405, None)}),
    Row("quora", "18fb154900ba42a600f84b839c173167", 15_853_968, 522_931, {"test": (10_000, None)}),
    Row("dbpedia-entity", "c2a39eb420a3164af735795df012ac2c", 639_285_131, 4_635_922, {"test": (400, None)}),
    Row("fever", "5a818580227bfb4b35bb6fa46d9b6c03", 1_236_988_269, 5_416_568, {"test": (6_666, None)}),
    Row("climate-fever", "8b66f0a9126c521bae2bde127b4dc99d", 1_228_666_652, 5_416_593, {"test": (1_535, None)}),
    Row("webis-touche2020", "46f650ba5a527fc69e0a6521c5a23563", 227_132_363, 382_545, {"test": (49, None)}),
)
#: Collections also served cut to so many documents.
SAMPLES = {"msmarco-500k": ("msmarco", 500_000), "nq-500k": ("nq", 500_000)}


def load(row: Row, options: SourceOptions, name: str | None = None, size: int | None = None) -> Collection:
    """Load the collection of `row` from `options.beir_dir`, the cache, its host, or the hub's mirror, in that order.

    Args:
        name: the set's name, if not the collection's.
        size: keep the judged documents and a sample of the others, so many in all.

    Raises:
        UserError: it can be had from nowhere, or its files are faulty.
    """
    folder, facts = beir_folder(row.name, options), dict[str, Any]()
    if folder is None:
        folder, facts = _fetched(row, options)
    found = load_beir(folder, name or row.name, options.split, row.default_split, size=size, seed=options.seed)
    if len(found.doc_ids) < row.documents:
        facts["subset"] = True
    return replace(found, provenance=found.provenance | facts, warnings=found.warnings + _differences(row, found))


def _cached(row: Row, options: SourceOptions) -> Path:
    """Where the collection is, or will be, in the cache: what came from the mirror is apart."""
    own, mirrored = (options.cache_dir / folder / row.name for folder in ("beir", "beir-hub"))
    return mirrored if mirrored.is_dir() and not own.is_dir() else own


def _fetched(row: Row, options: SourceOptions) -> tuple[Path, dict[str, Any]]:
    """The collection in the cache, brought there from its own host or else from the hub; which of them it came from."""
    url = f"{os.environ.get('BINBENCH_BEIR_URL', URL).rstrip('/')}/{row.name}.zip"
    folder = _cached(row, options)
    try:
        if not origin_of(folder):
            fetch_zip(url, folder, row.md5, row.size)
    except Unavailable as error:
        logger.warning("%s does not answer; trying the hub's mirror", url)
        try:
            folder = fetch_mirrored(row.name, options.cache_dir / "beir-hub" / row.name)
        except UserError as other:
            raise UserError(f"{error}; {other}") from other
    return folder, origin_of(folder) or {"url": url, "md5": row.md5}


def _differences(row: Row, found: Collection) -> list[str]:
    queries, judgements = row.splits.get(found.split, (None, None))
    documents = found.provenance.get("corpus_documents", len(found.doc_ids))
    compared = (
        (documents, row.documents, "documents"),
        (len(found.query_ids), queries, "judged queries"),
        (len(found.qrels), judgements, "judgements"),
    )
    return [
        f"{row.name} ({found.split}) has {have:,} {what} here, {published:,} in BEIR: scores are not comparable"
        for have, published, what in compared
        if published is not None and have != published
    ]


def _plugin(row: Row, name: str, size: int | None = None) -> Callable[[SourceOptions], Collection]:
    def plugin(options: SourceOptions) -> Collection:
        return load(row, options, name, size)

    queries, _ = row.splits[row.default_split]
    of = f"{size:,} of {row.documents:,}" if size else f"{row.documents:,}"
    plugin.__doc__ = f"BEIR's {row.name}: {of} documents, {queries:,} queries ({row.default_split})."
    return plugin


def _register(row: Row, name: str, size: int | None = None) -> None:
    def sizes(options: SourceOptions) -> tuple[int, int | None]:
        queries, _ = row.splits.get(options.split or row.default_split, (None, None))
        return size or row.documents, queries

    def identity(options: SourceOptions) -> dict[str, Any]:
        return {"documents": size}

    def inputs(options: SourceOptions) -> Mapping[str, Path | str]:
        return beir_inputs(beir_folder(row.name, options) or _cached(row, options), options.split, row.default_split)

    seeded = size is not None
    register = register_dataset(name, seeded=seeded, sizes=sizes, identity=identity, inputs=inputs, version=1)
    register(_plugin(row, name, size))


for _row in ROWS:
    _register(_row, _row.name)
for _name, (_of, _size) in SAMPLES.items():
    _register(next(row for row in ROWS if row.name == _of), _name, _size)
