"""One job from fit to result files; runs in a process of its own."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np

from binbench.errors import Unsupported
from binbench.harness.jobs import Job
from binbench.harness.promises import BadAnswer, checked_footprint, checked_ties
from binbench.harness.results import origin_of, write_result
from binbench.harness.served import outcome, served
from binbench.harness.timing import Noop, clock, excess, measure, processor_time
from binbench.plugins.algorithm import Algorithm, FloatArray, Footprint
from binbench.plugins.faiss_index import blas_distances, training_at_most
from binbench.plugins.registry import ALGORITHMS, load_file
from binbench.records.record import Facts, Status
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.neighbors import distances_to
from binbench.sets.subsets import Subset
from binbench.texts import message

#: Cut-off at which the documents that share a score are kept, for tie bounds at 10: one more, because a query's own
#: document is dropped before relevance is judged.
TIES_AT = 11


def perform(job: Job) -> tuple[Status, str]:
    """Run `job` and write its results; the status and, unless it is ``ok``, the reason."""
    try:
        _perform(job)
    except (Exception, SystemExit) as error:
        return outcome(error)
    return "ok", ""


@served
def perform_job(job: str) -> None:
    """Run a job, given in JSON, and write its results; how it ended is told by what it raises."""
    with blas_distances():
        _perform(Job.from_json(job))


def _perform(job: Job) -> None:
    for plugin in job.plugins:
        load_file(Path(plugin))
    embeddings = EmbeddingSet.open(Path(job.set_path))
    subset = Subset(embeddings, job.documents, job.folder) if job.documents else None
    train, queries = (subset or embeddings).train, embeddings.test
    instance = ALGORITHMS.get(job.instance)
    if embeddings.distance not in instance.family.plugin.metrics:
        raise Unsupported(f"does not rank by {embeddings.distance} distance")
    algorithm: Algorithm = instance.create(dimension=train.shape[1], seed=job.seed, metric=embeddings.distance)
    busy, start = processor_time(), clock()
    with training_at_most(job.max_train):
        algorithm.fit(train)
    build_seconds = (clock() - start) / 1e9
    built = excess("the build", processor_time() - busy, build_seconds, job.threads)
    overhead = Noop.overhead(queries, job.count, job.mode)
    for arguments in job.query_arguments():
        if arguments:
            algorithm.set_query_arguments(**arguments)
        timing, (ids, scores), remarks = measure(algorithm, queries, job.count, len(train), job.mode, job.runs)
        asked = excess("the queries", timing.processor, float(timing.seconds.sum()), job.threads)
        remarks += filter(None, (built, asked, subset.lost if subset else None))
        footprint = checked_footprint(algorithm.footprint(), len(train), ids)
        facts = _facts(algorithm, remarks)
        seconds = float(timing.seconds[timing.median_run])
        attributes: dict[str, Any] = {
            "status": "ok",
            "reason": "",
            "distance": embeddings.distance,
            # The median repeat, not the best one: ids, percentiles and time belong together.
            "best_search_time": seconds / len(queries),
            "queries_per_second": len(queries) / seconds,
            "latency": timing.percentiles(),
            "noop_overhead": overhead,
            "build_time": build_seconds,
            "train_seconds": float(facts.get("train_seconds", 0.0)),
            "index_size": footprint.total(len(train)) / 1000,
            "index_bytes": footprint.total(len(train)),
            "footprint": _itemised(footprint),
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "candidates": float((ids >= 0).sum(axis=1).mean()),
            "queries": len(queries),
            "dimension": train.shape[1],
            "origin": origin_of(embeddings),
            "facts": facts,
        }
        found, tied = ids.astype(np.int32), _ties(algorithm, queries, job.count, len(train))
        if subset:
            # Documents keep their numbers; -1, for none, is the last one's place.
            numbers = np.append(subset.rows, -1).astype(np.int32)
            found = numbers[found]
            tied |= {"tied_ids": numbers[tied["tied_ids"]]} if tied else {}
        arrays = {
            "times": timing.per_query(len(queries)),
            "neighbors": found,
            "distances": distances_to(train, queries, ids, embeddings.distance).astype(np.float32),
            "scores": scores.astype(np.float32),
            "repeat_seconds": timing.seconds,
        } | tied
        if timing.latencies is not None:
            arrays["latencies"] = timing.latencies.astype(np.float32)
        write_result(job, arguments, attributes, arrays, len(embeddings.train))


def _itemised(footprint: Footprint) -> dict[str, float]:
    return {
        "codes_bytes_per_vector": footprint.codes,
        "extras_bytes_per_vector": footprint.extras,
        "rescore_bytes_per_vector": footprint.rescore,
        "shared_bytes": footprint.shared,
    }


def _facts(algorithm: Algorithm, remarks: list[str]) -> dict[str, Any]:
    """What the method wants recorded, with our `remarks` among the notes."""
    try:
        told = Facts.model_validate(json.loads(json.dumps(dict(algorithm.facts), default=str))).model_dump()
    except (TypeError, ValueError) as error:
        raise BadAnswer(f"facts hold what cannot be recorded: {message(error)}") from error
    notes = [message(note) for note in [*told["notes"], *remarks]]
    return {key: value for key, value in (told | {"notes": notes}).items() if value not in (None, [])}


def _ties(algorithm: Algorithm, queries: FloatArray, k: int, n: int) -> dict[str, Any]:
    """Which documents share the scores of the top ten, from methods that can say."""
    tied = algorithm.tied(queries, TIES_AT) if k >= TIES_AT - 1 else None
    if tied is None:
        return {}
    ids, scores, offsets = checked_ties(tied, len(queries), n)
    return {"tied_ids": ids.astype(np.int32), "tied_scores": scores, "tied_offsets": offsets}
