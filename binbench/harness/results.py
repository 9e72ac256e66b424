"""Result files: ann-benchmarks' members and attributes, and ours on top."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.files import atomic
from binbench.harness.jobs import RESULT_SCHEMA, Job
from binbench.hdf5 import opened
from binbench.plugins.registry import ALGORITHMS
from binbench.provenance import circumstances
from binbench.records.record import Status
from binbench.records.store import JSON_ATTRIBUTES, MEMBERS, REMEDY
from binbench.seal import check_array, seal, sealed
from binbench.sets.embeddings import EmbeddingSet
from binbench.texts import cleaned

#: What is kept of an embedding set's attributes in the results measured on it.
_ORIGIN = (
    "dataset",
    "identity",
    "split",
    "source",
    "encoder",
    "encoder_spec",
    "encoder_revision",
    "weights_sha256",
    "query_prefix",
    "passage_prefix",
    "max_tokens",
    "precision",
    "text_rule",
    "device_name",
    "encode_seconds",
    "sha256_train",
    "sha256_test",
    "queries_in_train",
    "warnings",
)


def write_result(
    job: Job, arguments: dict[str, Any], attributes: dict[str, Any], arrays: dict[str, Any], set_documents: int
) -> Path:
    """Write the result of `job` under `arguments`, whole or not at all.

    `attributes` and `arrays` are what was measured, on a set of `set_documents`; what follows from the job and the
    machine is added here.
    """
    instance = ALGORITHMS.get(job.instance)
    path = job.path(arguments)
    suffix = "".join(f" {key}={value}" for key, value in arguments.items())
    everything = {
        "algo": instance.family.name,
        "name": job.instance + suffix,
        "instance": job.instance,
        "dataset": job.set_name,
        "count": job.count,
        "documents": job.documents or set_documents,
        "set_documents": set_documents,
        "sample": job.sample or "",
        "batch_mode": job.mode == "batch",
        "run_count": job.runs,
        "expect_extra": False,
        "parameters": instance.parameters,
        "query_arguments": arguments,
        "scoring": instance.family.plugin.scoring,
        "seed": job.seed or 0,
        "seeded": instance.seeded,
        "threads": job.threads,
        "max_train": job.max_train or 0,
        "parallel_jobs": job.parallel,
        "hypotheses": list(job.hypotheses),
        "inputs": job.inputs(arguments),
        "set_fingerprint": job.set_fingerprint,
        "schema_version": RESULT_SCHEMA,
        "provenance": circumstances() | {"command": job.command},
    } | attributes
    with atomic(path) as temporary, sealed(temporary) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for key, value in everything.items():
            file.attrs[key] = _stored(key, value)
    return path


def write_failure(job: Job, arguments: dict[str, Any], status: Status, reason: str, embeddings: EmbeddingSet) -> Path:
    """Record that `job` gave no answer; shaped so that readers of good results can read it too."""
    attributes = {
        "status": status,
        "reason": reason,
        "distance": embeddings.distance,
        "queries": len(embeddings.test),
        "dimension": embeddings.train.shape[1],
        "origin": origin_of(embeddings),
        "best_search_time": np.inf,
        "build_time": 0.0,
        "index_size": 0.0,
        "candidates": 0.0,
    }
    queries = len(embeddings.test)
    shape = queries, job.count
    arrays = {
        "times": np.zeros(queries, np.float32),
        "neighbors": np.full(shape, -1, np.int32),
        "distances": np.full(shape, np.inf, np.float32),
    }
    return write_result(job, arguments, attributes, arrays, len(embeddings.train))


def update(path: Path, arrays: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]) -> None:
    """Put `arrays` and `attributes` into the result at `path`, in place of those of the same names, or not at all.

    The file is made afresh, because HDF5 keeps the room of what is replaced and the file would grow each time; and in
    memory, because HDF5 can crash where the disk is full.

    Raises:
        UserError: it is damaged, or cannot be written.
    """
    import h5py

    with (
        opened(path, REMEDY) as before,
        h5py.File(path.name, "w", driver="core", backing_store=False) as file,
    ):
        for name in before:
            if name not in arrays:
                if name in MEMBERS:
                    check_array(path, name, before[name][()])
                before.copy(name, file)
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for key, value in {**before.attrs, **{key: _stored(key, value) for key, value in attributes.items()}}.items():
            file.attrs[key] = value
        file.flush()
        image = file.id.get_file_image()
    with atomic(path) as temporary:
        temporary.write_bytes(image)
        seal(temporary)


def origin_of(embeddings: EmbeddingSet) -> dict[str, Any]:
    """What a result tells of the set it was measured on, so that it can be read without it."""
    known = {name: embeddings.attributes[name] for name in _ORIGIN if name in embeddings.attributes}
    return known | {"subset": embeddings.attributes["provenance"].get("subset")}


def _stored(key: str, value: Any) -> Any:
    """`value` as an attribute; texts come from plugins, libraries and files, and HDF5 does not take them all."""
    value = cleaned(value)
    return json.dumps(value, sort_keys=True, default=str) if key in JSON_ATTRIBUTES else value
