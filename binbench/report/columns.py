"""The one definition of what a result row holds: tables, plots, exports and sites all read these columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from binbench.errors import UserError, unknown
from binbench.harness.evaluation import Figures
from binbench.harness.measures import MEASURES

#: Column name → value: text, number, truth value, list or dict; None where there is no such figure.
Row = dict[str, Any]
Kind = Literal["text", "integer", "number", "boolean", "json"]

#: Raised when a column's meaning changes, so that kept rows are made anew.
ROW_SCHEMA = 1
#: Suffixes of the columns with the limits of a figure's interval.
CI_LOW, CI_HIGH = "_ci_low", "_ci_high"


@dataclass(frozen=True)
class Source:
    """What one row is made from.

    Attributes:
        result: the attributes of the result file.
        embeddings: those of its embedding set; empty where the set is not at hand.
        shape: (N, Q, d) of the set, or None.
        figures: None for results without answers and where they cannot be computed.
        extra: what is known beside these, by column.
    """

    result: Mapping[str, Any]
    embeddings: Mapping[str, Any]
    shape: tuple[int, int, int] | None
    figures: Figures | None
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: in exports, filters and options.
        group: under which it is documented.
        unit: empty for texts and shares.
        description: one line.
        kind: of its values.
        get: its value, from what a row is made of.
        label: in tables and plots.
        spec: the format specification of numbers in tables.
        better: whether larger or smaller values are better, where either is.
    """

    name: str
    group: str
    unit: str
    description: str
    kind: Kind
    get: Callable[[Source], Any]
    label: str
    spec: str
    better: Literal["larger", "smaller", ""] = ""

    @property
    def axis(self) -> str:
        """The label with the unit, unless that is part of it."""
        return f"{self.label} ({self.unit})" if self.unit and self.unit not in self.label else self.label

    def show(self, value: Any) -> str:
        """`value` as tables show it; a dash for None."""
        if value is None:
            return "–"
        if self.kind == "json":
            return ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else ", ".join(value)
        if self.kind == "boolean":
            return "yes" if value else "no"
        return str(value) if self.kind == "text" else format(value, self.spec)


_SPECS = {"integer": ",d", "number": ".4g"}


def _column(
    group: str,
    name: str,
    kind: Kind,
    get: Callable[[Source], Any],
    description: str,
    unit: str = "",
    label: str = "",
    spec: str = "",
    better: Literal["larger", "smaller", ""] = "",
) -> Column:
    return Column(
        name, group, unit, description, kind, get, label or name.replace("_", " "), spec or _SPECS.get(kind, ""), better
    )


def _at(*path: str) -> Callable[[Source], Any]:
    """A value of the result file, None where it is missing."""

    def get(source: Source) -> Any:
        value: Any = source.result
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    return get


def _set(*path: str) -> Callable[[Source], Any]:
    """A value of the embedding set."""

    def get(source: Source) -> Any:
        value: Any = source.embeddings
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    return get


def _extra(name: str) -> Callable[[Source], Any]:
    return lambda source: source.extra.get(name)


def _measured(*path: str) -> Callable[[Source], Any]:
    """A value of the result file that only answers have; failures are written with a filler."""
    return lambda source: _at(*path)(source) if source.result.get("status", "ok") == "ok" else None


def _extent(axis: int, stored: str) -> Callable[[Source], Any]:
    return lambda source: _at(stored)(source) if source.shape is None else source.shape[axis]


def _mean(measure: str, part: int) -> Callable[[Source], Any]:
    def get(source: Source) -> float | None:
        found = source.figures.interval(measure) if source.figures else None
        return None if found is None else found[part]

    return get


def _bytes_per_vector(source: Source) -> float | None:
    footprint = _measured("footprint")(source)
    if not footprint:
        return None
    return float(sum(footprint[f"{part}_bytes_per_vector"] for part in ("codes", "extras", "rescore")))


def _megabytes(source: Source) -> float | None:
    held = _measured("index_bytes")(source)
    return None if held is None else held / 1e6


def _compression(source: Source) -> float | None:
    held, dimension = _bytes_per_vector(source), _extent(2, "dimension")(source)
    return 4 * dimension / held if held and dimension else None


def _quality() -> list[Column]:
    columns = []
    for measure in MEASURES.values():
        label = measure.name.replace("ndcg", "nDCG").replace("map@", "MAP@").replace("mrr", "MRR")
        label = label.replace("qrels_recall", "recall (qrels)").replace("nDCG_float", "nDCG (float)").replace("_", " ")
        against = "the exact float ranking" if measure.against == "float" else "relevance judgements"
        text = f"against {against}, mean over queries: {measure.definition}"
        columns.append(
            _column(
                "quality",
                measure.name,
                "number",
                _mean(measure.name, 0),
                text,
                label=label,
                spec=".4f",
                better="larger" if measure.larger_is_better else "smaller",
            )
        )
        for suffix, part, end in ((CI_LOW, 1, "lower"), (CI_HIGH, 2, "upper")):
            limit = f"{end} limit of {measure.name}'s 95 % BCa bootstrap interval over queries"
            columns.append(
                _column("quality", measure.name + suffix, "number", _mean(measure.name, part), limit, spec=".4f")
            )
    retention = "nDCG@10 as a share of the float vectors' on the same set and k"
    for name, text in (
        ("retention", retention),
        (f"retention{CI_LOW}", "lower limit of retention's 95 % paired bootstrap interval"),
        (f"retention{CI_HIGH}", "upper limit of retention's 95 % paired bootstrap interval"),
    ):
        better: Literal["larger", ""] = "larger" if name == "retention" else ""
        columns.append(_column("quality", name, "number", _extra(name), text, spec=".1%", better=better))
    p_value = "two-sided paired randomization test of nDCG@10 against float, not corrected for multiple tests"
    columns.append(_column("quality", "retention_p_value", "number", _extra("retention_p_value"), p_value))
    return columns


_IDENTITY = [
    ("set", "text", _at("dataset"), "embedding set", ""),
    ("family", "text", _at("algo"), "method family", ""),
    ("instance", "text", _at("instance"), "method with its build parameters", ""),
    ("method", "text", _at("name"), "instance with its query arguments", ""),
    ("parameters", "json", _at("parameters"), "build parameters by name", ""),
    ("query_arguments", "json", _at("query_arguments"), "query-time arguments by name", ""),
    ("scoring", "text", _at("scoring"), "symmetric (code × code) or asymmetric (float query × code)", ""),
    ("k", "integer", _at("count"), "neighbours asked for", ""),
    (
        "mode",
        "text",
        lambda s: "batch" if s.result["batch_mode"] else "single",
        "batch: all queries in one call; single: one call per query",
        "",
    ),
    ("threads", "integer", _at("threads"), "threads of the numeric libraries", ""),
    ("seed", "integer", _at("seed"), "seed of everything random in the method", ""),
    ("runs", "integer", _at("run_count"), "timed repeats, after an uncounted warm-up", ""),
    ("parallel_jobs", "integer", _at("parallel_jobs"), "jobs that ran at the same time; above 1 timings suffer", ""),
    ("hypotheses", "json", _at("hypotheses"), "hypotheses the run was made for", ""),
    (
        "status",
        "text",
        lambda s: s.result.get("status", "ok"),
        "ok, failed, skipped, timeout, out-of-memory or unreadable",
        "",
    ),
    ("reason", "text", _at("reason"), "why the status is not ok", ""),
    ("notes", "json", lambda s: _at("facts", "notes")(s) or [], "remarks of the method and of the evaluation", ""),
]
_SET = [
    ("dataset", "text", _set("dataset"), "text collection or file of vectors", ""),
    ("split", "text", _set("split"), "split of the relevance judgements", ""),
    (
        "subset",
        "boolean",
        _set("provenance", "subset"),
        "whether only a part of the collection's documents is used",
        "",
    ),
    ("encoder", "text", _set("encoder"), "encoder of the texts", ""),
    ("distance", "text", _at("distance"), "angular (1 − cosine) or euclidean", ""),
    ("dimension", "integer", _extent(2, "dimension"), "of the vectors", ""),
    ("documents", "integer", _extent(0, "documents"), "base vectors, N", ""),
    ("queries", "integer", _extent(1, "queries"), "query vectors, Q", ""),
    ("queries_in_train", "integer", _set("queries_in_train"), "queries that occur among the base vectors", ""),
    ("set_warnings", "json", _set("warnings"), "what was odd about the collection", ""),
]
_MEMORY = [
    ("bytes_per_vector", "number", _bytes_per_vector, "codes, extras and vectors kept for re-scoring", "bytes/vector"),
    ("code_bytes", "number", _measured("footprint", "codes_bytes_per_vector"), "the searched codes", "bytes/vector"),
    (
        "extra_bytes",
        "number",
        _measured("footprint", "extras_bytes_per_vector"),
        "norms, scales, links",
        "bytes/vector",
    ),
    ("rescore_bytes", "number", _measured("footprint", "rescore_bytes_per_vector"), "re-scoring store", "bytes/vector"),
    ("shared_bytes", "integer", _measured("footprint", "shared_bytes"), "codebooks, rotations, thresholds", "bytes"),
    ("index_bytes", "integer", _measured("index_bytes"), "the whole index: N × bytes/vector + shared", "bytes"),
    ("total_mb", "number", _megabytes, "the whole index in 10⁶ bytes", "MB"),
    ("compression", "number", _compression, "bytes of the float vector over bytes/vector", "×"),
    ("peak_memory_bytes", "integer", _measured("peak_memory_bytes"), "largest resident memory of the job", "bytes"),
]
_MEMORY_LABELS = {
    "bytes_per_vector": "bytes/vector",
    "code_bytes": "code bytes/vector",
    "total_mb": "total MB",
    "peak_memory_bytes": "peak memory",
}
_SPEED = [
    (
        "queries_per_second",
        _measured("queries_per_second"),
        "of the median repeat, in `mode` on `threads`",
        "queries/s",
    ),
    ("seconds_per_query", _measured("best_search_time"), "of the median repeat", "s"),
    *(
        (f"latency_p{p}", _measured("latency", f"p{p}"), f"percentile {p} of single-query latency, all repeats", "s")
        for p in ("50", "95", "99", "99.9")
    ),
    ("harness_overhead", _measured("noop_overhead"), "time per query of the harness itself, included above", "s"),
    ("build_seconds", _measured("build_time"), "training and encoding", "s"),
    ("train_seconds", _measured("train_seconds"), "the learning part of the build", "s"),
    ("encode_seconds", _measured("facts", "encode_seconds"), "the encoding part of the build", "s"),
    ("training_rows", _measured("facts", "training_rows"), "base vectors learned from", ""),
    ("candidates", _measured("candidates"), "results returned per query", ""),
]
_SPEED_LABELS = {
    "queries_per_second": "queries/s",
    "build_seconds": "build time",
    "train_seconds": "training time",
    "encode_seconds": "encoding time",
    "seconds_per_query": "time per query",
}
_SPEED_SPECS = dict.fromkeys(("queries_per_second", "training_rows", "candidates"), ",.0f") | dict.fromkeys(
    ("build_seconds", "train_seconds", "encode_seconds"), ",.3f"
)
_PROVENANCE = [
    ("reproduce", "text", _extra("reproduce"), "command that measures this row anew", ""),
    ("command", "text", _at("provenance", "command"), "command that measured it", ""),
    ("date", "text", _at("provenance", "date"), "end of the measurement, UTC", ""),
    ("binbench_version", "text", _at("provenance", "versions", "binbench"), "version of binbench", ""),
    ("git", "text", _at("provenance", "git"), "commit of the checkout; + marks changes", ""),
    ("python_version", "text", _at("provenance", "versions", "python"), "version of Python", ""),
    ("versions", "json", _at("provenance", "versions"), "versions of the libraries", ""),
    ("cpu", "text", _at("provenance", "machine", "cpu"), "processor", ""),
    ("cores", "integer", _at("provenance", "machine", "cores"), "processor cores at hand", ""),
    ("memory_bytes", "integer", _at("provenance", "machine", "memory_bytes"), "memory of the machine", "bytes"),
    ("os", "text", _at("provenance", "machine", "os"), "operating system", ""),
    ("load", "number", _at("provenance", "load"), "load average over the last minute when it was written", ""),
    ("source", "text", _set("source"), "what the set was asked for as: a name or a path", ""),
    ("encoder_spec", "text", _set("encoder_spec"), "what the encoder was asked for as", ""),
    ("encoder_revision", "text", _set("encoder_revision"), "revision of the encoder", ""),
    ("weights_sha256", "text", _set("weights_sha256"), "hash of the encoder's weights", ""),
    ("query_prefix", "text", _set("query_prefix"), "put before each query's text", ""),
    ("passage_prefix", "text", _set("passage_prefix"), "put before each document's text", ""),
    ("max_tokens", "integer", _set("max_tokens"), "texts were cut here", "tokens"),
    ("precision", "text", _set("precision"), "of the encoder's weights and activations", ""),
    ("text_rule", "text", _set("text_rule"), "how a document's text is put together", ""),
    ("encoding_device", "text", _set("device_name"), "device the texts were encoded on", ""),
    ("set_encode_seconds", "number", _set("encode_seconds"), "encoding of all documents", "s"),
    ("sha256_train", "text", _set("sha256_train"), "hash of the base vectors", ""),
    ("sha256_test", "text", _set("sha256_test"), "hash of the query vectors", ""),
    ("fingerprint", "text", _at("set_fingerprint"), "hash of the set's vectors, base and query", ""),
    ("inputs", "text", _at("inputs"), "hash of everything the result depends on", ""),
    ("schema_version", "integer", _at("schema_version"), "of the result file", ""),
    ("file", "text", _extra("file"), "result file, below the results folder", ""),
]

#: Name → column, in the order of exports.
COLUMNS: dict[str, Column] = {
    column.name: column
    for column in [
        *(_column("identity", name, kind, get, text, unit) for name, kind, get, text, unit in _IDENTITY),  # type: ignore[arg-type]
        *(_column("set", name, kind, get, text, unit) for name, kind, get, text, unit in _SET),  # type: ignore[arg-type]
        *_quality(),
        *(
            _column(
                "memory",
                name,
                kind,  # type: ignore[arg-type]
                get,
                text,
                unit,
                _MEMORY_LABELS.get(name, ""),
                ",.5g" if kind == "number" else "",
                "larger" if name == "compression" else "smaller",
            )
            for name, kind, get, text, unit in _MEMORY
        ),
        *(
            _column(
                "speed",
                name,
                "number",
                get,
                text,
                unit,
                _SPEED_LABELS.get(name, ""),
                _SPEED_SPECS.get(name, ""),
                "larger" if name == "queries_per_second" else "smaller" if unit == "s" else "",
            )
            for name, get, text, unit in _SPEED
        ),
        *(_column("provenance", name, kind, get, text, unit) for name, kind, get, text, unit in _PROVENANCE),  # type: ignore[arg-type]
    ]
}


def column(name: str) -> Column:
    """The column called `name`.

    Raises:
        UserError: there is none; the nearest names are suggested.
    """
    if name not in COLUMNS:
        raise unknown("column", name, COLUMNS, "; see `binbench export --describe`")
    return COLUMNS[name]


def numeric(name: str) -> Column:
    """The column called `name`, of numbers.

    Raises:
        UserError: there is none, or it holds something else.
    """
    found = column(name)
    if found.kind not in ("integer", "number"):
        raise UserError(f"column {name} holds no numbers")
    return found


def interval(row: Row, name: str) -> tuple[float, float] | None:
    """The confidence limits of `row`'s figure `name`, where there are any."""
    low, high = row.get(name + CI_LOW), row.get(name + CI_HIGH)
    return None if low is None or high is None else (low, high)


_PREAMBLE = """\
# The columns of exported results

One row is one (set, instance, query arguments, seed, mode, k). `binbench export` writes every column,
`binbench table --columns` shows chosen ones. A missing value (empty in CSV, `null` in JSON Lines and Parquet) means
that the figure does not apply or that there was no answer to compute it from; it never means zero. Lists and mappings
are JSON. This page is `binbench export --describe`."""


def describe() -> str:
    """All columns as a Markdown document."""
    lines = [_PREAMBLE]
    group = ""
    for one in COLUMNS.values():
        if one.group != group:
            group = one.group
            lines += ["", f"## {group.capitalize()}", "", "| column | kind | unit | meaning |", "|---|---|---|---|"]
        lines.append(f"| `{one.name}` | {one.kind} | {one.unit} | {one.description.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"
