"""The one definition of what a result row holds: tables, plots, exports and sites all read these columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from binbench.errors import UserError, unknown
from binbench.measures.registry import MEASURES
from binbench.plugins.faiss_index import ADVISED_PER_CENTROID
from binbench.records.column import Column, Get, Kind, column_of, readable
from binbench.records.pairs import retention
from binbench.records.record import Record
from binbench.records.reproduce import reproduce

#: Suffixes of the columns with the limits of a figure's interval.
CI_LOW, CI_HIGH = "_ci_low", "_ci_high"


def _mean(measure: str, part: int) -> Get:
    def get(record: Record) -> float | None:
        found = record.interval(measure)
        return None if found is None else float(found[part])

    return get


def _retention(part: int) -> Get:
    """Retention (0), the limits of its interval (1, 2) or its p-value (3)."""

    def get(record: Record) -> float | None:
        found = retention(record)
        if found is None or part == 0:
            return found and found[0]
        if found[1] is None:
            return None
        return float(found[1].p_value if part == 3 else found[1].ratio[part])

    return get


def _compression(record: Record) -> float | None:
    held = record.bytes_per_vector
    return 4 * record.dimension / held if held and record.dimension else None


def _quality(measures: Sequence[str]) -> list[Column]:
    columns = []
    for measure in map(MEASURES.find, measures):
        against = "the exact float ranking" if measure.against == "float" else "relevance judgements"
        text = f"against {against}, mean over queries: {measure.definition}"
        columns.append(
            column_of(
                "quality",
                measure.name,
                "number",
                _mean(measure.name, 0),
                text,
                label=measure.label,
                spec=".4f",
                better="larger" if measure.larger_is_better else "smaller",
            )
        )
        for suffix, part, end in ((CI_LOW, 1, "lower"), (CI_HIGH, 2, "upper")):
            limit = f"{end} limit of {measure.name}'s 95 % BCa bootstrap interval over queries"
            columns.append(
                column_of("quality", measure.name + suffix, "number", _mean(measure.name, part), limit, spec=".4f")
            )
    share = "nDCG@10 as a share of the float vectors' on the same set and k"
    for part, (name, text) in enumerate(
        (
            ("retention", share),
            (f"retention{CI_LOW}", "lower limit of retention's 95 % paired bootstrap interval"),
            (f"retention{CI_HIGH}", "upper limit of retention's 95 % paired bootstrap interval"),
        )
    ):
        better: Literal["larger", ""] = "larger" if name == "retention" else ""
        columns.append(column_of("quality", name, "number", _retention(part), text, spec=".1%", better=better))
    p_value = "two-sided paired randomization test of nDCG@10 against float, not corrected for multiple tests"
    columns.append(column_of("quality", "retention_p_value", "number", _retention(3), p_value))
    return columns


# Group, name, kind, where the value is, description; then the unit, and how tables show it where that needs saying.
_FIELDS: list[tuple[Any, ...]] = [
    ("identity", "set", "text", "set", "embedding set"),
    ("identity", "family", "text", "family", "method family"),
    ("identity", "instance", "text", "instance", "method with its build parameters"),
    ("identity", "method", "text", "method", "instance with its query arguments"),
    ("identity", "parameters", "json", "parameters", "build parameters by name"),
    ("identity", "query_arguments", "json", "query_arguments", "query-time arguments by name"),
    (
        "identity",
        "scoring",
        "text",
        lambda record: record.scoring or None,
        "symmetric (code × code) or asymmetric (float query × code)",
    ),
    ("identity", "k", "integer", lambda record: record.k or None, "neighbours asked for"),
    ("identity", "mode", "text", "mode", "batch: all queries in one call; single: one call per query"),
    ("identity", "threads", "integer", readable("threads"), "threads of the numeric libraries"),
    ("identity", "seed", "integer", readable("seed"), "seed of everything random in the method"),
    ("identity", "runs", "integer", readable("runs"), "timed repeats, after an uncounted warm-up"),
    (
        "identity",
        "parallel_jobs",
        "integer",
        readable("parallel_jobs"),
        "jobs that ran at the same time; above 1 timings suffer",
    ),
    ("identity", "hypotheses", "json", "hypotheses", "hypotheses the run was made for"),
    ("identity", "status", "text", "status", "ok, failed, skipped, timeout, out-of-memory or unreadable"),
    ("identity", "reason", "text", "reason", "why the status is not ok"),
    ("identity", "notes", "json", "notes", "remarks of the method and of the evaluation"),
    (
        "identity",
        "undertrained",
        "boolean",
        "undertrained",
        f"whether codebooks were trained on fewer than {ADVISED_PER_CENTROID} points per centroid, which flatters them",
    ),
    (
        "identity",
        "outweighed",
        "boolean",
        "outweighed",
        "whether `shared_bytes` exceed the float vectors; such rows are in no headline and no frontier",
    ),
    (
        "identity",
        "max_train",
        "integer",
        lambda record: None if record.status == "unreadable" else record.max_train or None,
        "documents that the method could learn from at most (`--max-train`); `training_rows` is how many it took",
    ),
    ("set", "dataset", "text", "origin.dataset", "text collection or file of vectors"),
    ("set", "split", "text", "origin.split", "split of the relevance judgements"),
    (
        "set",
        "subset",
        "boolean",
        lambda record: record.is_subset or record.origin.get("subset"),
        "whether only a part of the collection's documents is used",
    ),
    ("set", "encoder", "text", "origin.encoder", "encoder of the texts"),
    (
        "set",
        "distance",
        "text",
        lambda record: record.distance or None,
        "angular (1 − cosine), euclidean, or ip (minus the inner product)",
    ),
    ("set", "dimension", "integer", "dimension", "of the vectors"),
    ("set", "documents", "integer", "documents", "base vectors that were searched, N"),
    ("set", "queries", "integer", "queries", "query vectors, Q"),
    ("set", "queries_in_train", "integer", "origin.queries_in_train", "queries that occur among the base vectors"),
    ("set", "set_warnings", "json", "origin.warnings", "what was odd about the collection"),
    (
        "set",
        "set_documents",
        "integer",
        lambda record: record.set_documents or record.documents,
        "base vectors of the whole set; more than documents where a subset was searched",
    ),
]
_MEMORY: list[tuple[Any, ...]] = [
    (
        "bytes_per_vector",
        "number",
        "bytes_per_vector",
        "codes, extras and vectors kept for re-scoring",
        "bytes/vector",
        "bytes/vector",
    ),
    ("code_bytes", "number", "sizes.codes_bytes_per_vector", "the searched codes", "bytes/vector", "code bytes/vector"),
    ("extra_bytes", "number", "sizes.extras_bytes_per_vector", "norms, scales, links", "bytes/vector"),
    ("rescore_bytes", "number", "sizes.rescore_bytes_per_vector", "re-scoring store", "bytes/vector"),
    ("shared_bytes", "integer", "sizes.shared_bytes", "codebooks, rotations, thresholds", "bytes"),
    ("index_bytes", "integer", "index_bytes", "the whole index: N × bytes/vector + shared", "bytes"),
    (
        "total_mb",
        "number",
        lambda record: None if record.index_bytes is None else record.index_bytes / 1e6,
        "the whole index in 10⁶ bytes",
        "MB",
        "total MB",
    ),
    ("compression", "number", _compression, "bytes of the float vector over bytes/vector", "×"),
    (
        "peak_memory_bytes",
        "integer",
        "peak_memory_bytes",
        "largest resident memory of the job",
        "bytes",
        "peak memory",
    ),
]
_SPEED: list[tuple[Any, ...]] = [
    (
        "queries_per_second",
        "queries_per_second",
        "of the median repeat, in `mode` on `threads`",
        "queries/s",
        "queries/s",
        ",.0f",
    ),
    ("seconds_per_query", "seconds_per_query", "of the median repeat", "s", "time per query"),
    *(
        (
            f"latency_p{p}",
            lambda record, p=p: record.latency.get(f"p{p}"),
            f"percentile {p} of single-query latency, all repeats",
            "s",
        )
        for p in ("50", "95", "99", "99.9")
    ),
    ("harness_overhead", "harness_overhead", "time per query of the harness itself, included above", "s"),
    ("build_seconds", "build_seconds", "training and encoding", "s", "build time", ",.3f"),
    ("train_seconds", "train_seconds", "the learning part of the build", "s", "training time", ",.3f"),
    ("encode_seconds", "facts.encode_seconds", "the encoding part of the build", "s", "encoding time", ",.3f"),
    ("training_rows", "facts.training_rows", "base vectors learned from", "", "", ",.0f"),
    ("candidates", "candidates", "results returned per query", "", "", ",.0f"),
]
_PROVENANCE: list[tuple[Any, ...]] = [
    ("reproduce", "text", reproduce, "command that measures this row anew"),
    ("command", "text", "provenance.command", "command that measured it"),
    ("date", "text", "provenance.date", "end of the measurement, UTC"),
    ("binbench_version", "text", "provenance.versions.binbench", "version of binbench"),
    ("git", "text", "provenance.git", "commit of the checkout; + marks changes"),
    ("python_version", "text", "provenance.versions.python", "version of Python"),
    ("versions", "json", "provenance.versions", "versions of the libraries"),
    ("cpu", "text", "provenance.machine.cpu", "processor"),
    ("cores", "integer", "provenance.machine.cores", "processor cores at hand"),
    ("memory_bytes", "integer", "provenance.machine.memory_bytes", "memory of the machine", "bytes"),
    ("os", "text", "provenance.machine.os", "operating system"),
    ("load", "number", "provenance.load", "load average over the last minute when it was written"),
    ("source", "text", "origin.source", "what the set was asked for as: a name or a path"),
    ("encoder_spec", "text", "origin.encoder_spec", "what the encoder was asked for as"),
    ("encoder_revision", "text", "origin.encoder_revision", "revision of the encoder"),
    ("weights_sha256", "text", "origin.weights_sha256", "hash of the encoder's weights"),
    ("query_prefix", "text", "origin.query_prefix", "put before each query's text"),
    ("passage_prefix", "text", "origin.passage_prefix", "put before each document's text"),
    ("max_tokens", "integer", "origin.max_tokens", "texts were cut here", "tokens"),
    ("precision", "text", "origin.precision", "of the encoder's weights and activations"),
    ("text_rule", "text", "origin.text_rule", "how a document's text is put together"),
    ("encoding_device", "text", "origin.device_name", "device the texts were encoded on"),
    ("set_encode_seconds", "number", "origin.encode_seconds", "encoding of all documents", "s"),
    ("sha256_train", "text", "origin.sha256_train", "hash of the base vectors"),
    ("sha256_test", "text", "origin.sha256_test", "hash of the query vectors"),
    ("fingerprint", "text", readable("fingerprint"), "hash of the set's vectors, base and query"),
    ("inputs", "text", readable("inputs"), "hash of everything the result depends on"),
    ("schema_version", "integer", readable("result_schema"), "of the result file"),
    ("file", "text", "path", "result file, below the results folder"),
]


def _memory(name: str, kind: Kind, get: Get | str, text: str, unit: str, label: str = "") -> Column:
    better: Literal["larger", "smaller"] = "larger" if name == "compression" else "smaller"
    return column_of("memory", name, kind, get, text, unit, label, ",.5g" if kind == "number" else "", better)


def _speed(name: str, get: Get | str, text: str, unit: str, label: str = "", spec: str = "") -> Column:
    better: Literal["larger", "smaller", ""] = (
        "larger" if name == "queries_per_second" else "smaller" if unit == "s" else ""
    )
    return column_of("speed", name, "number", get, text, unit, label, spec, better)


@lru_cache(maxsize=1)
def _columns(measures: tuple[str, ...]) -> dict[str, Column]:
    columns = [
        *(column_of(*row) for row in _FIELDS),
        *_quality(measures),
        *(_memory(*row) for row in _MEMORY),
        *(_speed(*row) for row in _SPEED),
        *(column_of("provenance", *row) for row in _PROVENANCE),
    ]
    return {column.name: column for column in columns}


class _Columns(Mapping[str, Column]):
    """Made when asked for, so that a measure registered before that has its columns."""

    def __getitem__(self, name: str) -> Column:
        return _columns(tuple(MEASURES))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_columns(tuple(MEASURES)))

    def __len__(self) -> int:
        return len(_columns(tuple(MEASURES)))


#: Name → column, in the order of exports.
COLUMNS: Mapping[str, Column] = _Columns()


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


def interval(row: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """The confidence limits of `row`'s figure `name`, where there are any."""
    low, high = row.get(name + CI_LOW), row.get(name + CI_HIGH)
    return None if low is None or high is None else (low, high)


_PREAMBLE = """\
# The columns of exported results

One row is one (set, documents, instance, query arguments, seed, mode, k). `binbench export` writes every column,
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
