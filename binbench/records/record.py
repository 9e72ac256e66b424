"""One stored result: its conditions, footprint, timing and figures, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from binbench.errors import UserError
from binbench.measures.bootstrap import Interval
from binbench.measures.registry import MEASURES
from binbench.plugins.algorithm import Footprint
from binbench.plugins.faiss_index import ADVISED_PER_CENTROID
from binbench.records import typed
from binbench.texts import message, visible

Array = NDArray[np.float64]
Status = Literal["ok", "failed", "skipped", "timeout", "out-of-memory", "unreadable"]
Mode = Literal["batch", "single"]
Whole = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Bytes = Whole | Amount
#: What every result tells of its set, and what every one with answers tells of them.
MEASURED_ON = ("documents", "queries", "dimension")
ANSWERED = ("sizes", "index_bytes", "queries_per_second", "seconds_per_query", "build_seconds")
_OUTWEIGHED = "its shared tables outweigh the float vectors: left out of headlines and frontiers"


@dataclass(frozen=True)
class Figures:
    """Every measure that applies to a result, in the mean over queries and, when asked for, query by query.

    Attributes:
        path: the result file that holds them.
        key: names the values: equal where these are, however the result was measured.
        made_by: names the judgements and the definitions that they come from.
        names: the measures that apply, in the order in which their values are stored.
        means: measure → the mean and the limits of its 95 % BCa bootstrap interval; NaN where no query has a value.
        source: names the answers and the judgements alone.
        versions: measure → version of the definition that it was computed by, of those that do not apply too.
    """

    path: Path
    key: str
    made_by: str
    names: Sequence[str]
    means: Mapping[str, Sequence[float]]
    source: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, stored: Any) -> Figures | None:
        """The figures as the file at `path` holds them; None where another version stored them otherwise."""
        found = typed.figures(stored)
        return None if found is None else cls(path, **found)

    def interval(self, measure: str) -> Interval | None:
        """The mean with its interval; None where the measure does not apply or no query has a value.

        Raises:
            UserError: there is no such measure.
        """
        MEASURES.find(measure)
        found = self.means.get(measure)
        return None if found is None or np.isnan(found[0]) else Interval(*found)

    def mean(self, measure: str) -> float | None:
        """The mean over the queries that have a value; None as for :meth:`interval`."""
        found = self.interval(measure)
        return None if found is None else float(found.estimate)

    def values(self, measure: str) -> Array | None:
        """(Q,) float64, one value per query row of the set; None where the measure does not apply.

        NaN where a measure is not defined for a query: against qrels for queries that are not judged, scores for
        queries without results or (rank correlation) with equal scores only. A judged query without results has 0, and
        every query of a collection's split is judged.

        Raises:
            UserError: the file was changed since.
        """
        from binbench.records.store import member

        if measure not in self.names:
            return None
        found = member(self.path, "figures")
        if found is None or len(found) != len(self.names):
            raise UserError(f"{self.path} was changed while it was in use; run the same command again")
        return found[self.names.index(measure)].astype(np.float64)


class Sizes(BaseModel):
    """Bytes as a result file itemises them."""

    model_config = ConfigDict(frozen=True, strict=True, defer_build=True)

    codes_bytes_per_vector: Bytes
    extras_bytes_per_vector: Bytes
    rescore_bytes_per_vector: Bytes
    shared_bytes: Whole


class Facts(BaseModel):
    """What `fit` told: training rows, notes, seconds of its stages, and whatever else a plugin records."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    notes: list[str] = []
    training_rows: int | None = None
    points_per_centroid: float | None = None
    encode_seconds: float | None = None


class Record(BaseModel):
    """One stored result. Fields are called as the field calls them; aliases are the file's own names.

    Figures that only answers have are None for a result with another status than ``ok``.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)

    path: Path
    # Identity and conditions.
    set: str = Field(alias="dataset")
    fingerprint: str = Field("", alias="set_fingerprint")
    family: str = Field(alias="algo")
    instance: str
    method: str = Field(alias="name")
    parameters: dict[str, Any] = {}
    query_arguments: dict[str, Any] = {}
    scoring: str = ""
    k: int = Field(alias="count", ge=0)
    batch: bool = Field(alias="batch_mode")
    threads: int = 1
    # 0 for no cap.
    max_train: int = 0
    stored_seed: int = Field(0, alias="seed")
    seeded: bool = True
    runs: int = Field(1, alias="run_count")
    parallel_jobs: int = 1
    hypotheses: list[str] = []
    inputs: str = ""
    result_schema: int = Field(0, alias="schema_version")
    status: Status = "ok"
    reason: str = ""
    # The set.
    distance: str = ""
    documents: Whole | None = None
    # None where the result is older than subsets.
    set_documents: Whole | None = None
    sample: str = ""
    queries: Whole | None = None
    dimension: Whole | None = None
    origin: typed.Origin = {}
    # Memory.
    sizes: Sizes | None = Field(None, alias="footprint")
    index_bytes: Whole | None = None
    peak_memory_bytes: Whole | None = None
    # Time, in seconds.
    queries_per_second: Amount | None = None
    seconds_per_query: Amount | None = Field(None, alias="best_search_time")
    latency: dict[str, float] = {}
    harness_overhead: float | None = Field(None, alias="noop_overhead")
    build_seconds: Amount | None = Field(None, alias="build_time")
    train_seconds: Amount | None = None
    candidates: Amount | None = None
    facts: Facts = Facts()
    provenance: typed.Provenance = {}

    _figures: Figures | None = PrivateAttr(None)
    _contrasts: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)
    _reference: Record | None = PrivateAttr(None)
    _remarks: list[str] = PrivateAttr(default_factory=list)

    @classmethod
    def of(cls, path: Path, stored: Mapping[str, Any]) -> Record:
        """The record at `path` from what :mod:`binbench.records.store` read of it; unreadable where that is no result.

        Args:
            path: the result file.
            stored: ``attributes``, and where there are any, ``figures`` and ``contrasts``.
        """
        attributes = dict(stored["attributes"])
        if "algo" in attributes and "inputs" not in attributes:
            return cls.unreadable(path, f"{path} is another tool's result; binbench reads its own")
        if attributes.get("status", "ok") != "ok":
            # Failures are written with fillers that other readers need.
            for name in ("footprint", "index_bytes", "best_search_time", "build_time", "candidates"):
                attributes.pop(name, None)
        try:
            record = cls.model_validate(attributes | {"path": path})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            return cls.unreadable(path, f"{path} holds no result of binbench: {where}: {first['msg']}")
        answered = ANSWERED if record.status == "ok" else ()
        if missing := next((name for name in (*MEASURED_ON, *answered) if getattr(record, name) is None), None):
            return cls.unreadable(path, f"{path} holds no result of binbench: it does not tell {missing}")
        if record.status == "ok" and "figures" in stored:
            record._figures = Figures.of(path, stored["figures"])
            record._contrasts = typed.contrasts(stored.get("contrasts"))
        return record

    @classmethod
    def unreadable(cls, path: Path, reason: str) -> Record:
        """A record that says that the file at `path` cannot be read, with what the path tells."""
        family, k, set_name = (*reversed(path.parts[-4:-1]), "", "", "")[:3]
        return cls.model_construct(
            path=path,
            set=visible(set_name),
            family=visible(family.removesuffix("-batch")),
            instance=visible(path.stem.split("_")[0]),
            method=visible(path.stem),
            k=int(k) if k.isdigit() else 0,
            batch=family.endswith("-batch"),
            status="unreadable",
            reason=message(reason),
        )

    @property
    def mode(self) -> Mode:
        """``batch``: all queries in one call; ``single``: one call per query."""
        return "batch" if self.batch else "single"

    @property
    def seed(self) -> int | None:
        """Of everything random in the method; None where the method takes none."""
        return self.stored_seed if self.seeded else None

    @property
    def footprint(self) -> Footprint | None:
        """The bytes that the index holds."""
        if self.sizes is None:
            return None
        held = self.sizes
        return Footprint(
            codes=held.codes_bytes_per_vector,
            extras=held.extras_bytes_per_vector,
            shared=held.shared_bytes,
            rescore=held.rescore_bytes_per_vector,
        )

    @property
    def bytes_per_vector(self) -> float | None:
        """Codes, extras and vectors kept for re-scoring."""
        return None if self.footprint is None else float(self.footprint.per_vector)

    @property
    def notes(self) -> list[str]:
        """Remarks of the method, and of the reader."""
        return [*self.facts.notes, *self._remarks, *([_OUTWEIGHED] if self.outweighed else [])]

    @property
    def undertrained(self) -> bool:
        """Whether its codebooks were trained on fewer points than faiss advises: on small sets they are flattered."""
        points = self.facts.points_per_centroid
        return points is not None and points < ADVISED_PER_CENTROID

    @property
    def outweighed(self) -> bool:
        """Whether what it holds once takes more than the float vectors: it saves nothing on a set of this size."""
        if self.sizes is None or self.documents is None or self.dimension is None:
            return False
        return self.sizes.shared_bytes > 4 * self.documents * self.dimension

    @property
    def figures(self) -> Figures | None:
        """None for results without answers, and where none are stored."""
        return self._figures

    @property
    def stored_contrasts(self) -> dict[str, dict[str, Any]]:
        """What the harness stored of this against ``float``: see :func:`binbench.records.pairs.contrasts`."""
        return self._contrasts

    @property
    def reference(self) -> Record | None:
        """The result of ``float`` on the same documents and k, among those that were read with this one."""
        return self._reference

    def mean(self, measure: str) -> float | None:
        """The mean of `measure` over queries; None where there is none."""
        return None if self.figures is None else self.figures.mean(measure)

    def interval(self, measure: str) -> Interval | None:
        """The mean with its 95 % interval; None where there is none."""
        return None if self.figures is None else self.figures.interval(measure)

    def values(self, measure: str) -> Array | None:
        """(Q,) values of `measure`; None where there are none."""
        return None if self.figures is None else self.figures.values(measure)

    @property
    def is_subset(self) -> bool:
        """Whether it was measured on some of the set's documents only."""
        return self.set_documents not in (None, self.documents)

    @property
    def searched(self) -> tuple[Any, ...]:
        """Records with equal values answered the same queries over the same documents."""
        return self.set, self.fingerprint, self.documents, self.sample

    @property
    def group(self) -> tuple[Any, ...]:
        """Records with equal values answer the same question; float answers alike in any mode, with any seed."""
        return *self.searched, self.k
