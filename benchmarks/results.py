"""Reading result files, and their figures computed and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .data import create, documents, processor_seconds, queries, version, wanted

FILES = 10
SET, RESULTS = Path("judged.hdf5"), Path("results")


class Results:
    """`time_load`, `time_evaluate` and `time_evaluate_cached`: 10 results of 100 documents for 200 queries."""

    timer = processor_seconds

    def setup_cache(self) -> None:
        try:
            write_set = wanted("binbench.sets.embeddings", "write_set")
            perform = wanted("binbench.harness.worker", "perform")
            job = wanted("binbench.harness.jobs", "Job")
            create("sign")
        except NotImplementedError:
            return
        train, test = documents(2000), queries(200)
        rng = np.random.Generator(np.random.PCG64(0))
        qrels = np.array([(query, row, 1) for query in range(200) for row in rng.integers(0, 2000, 5)], np.int32)
        ids = [f"d{row}" for row in range(2000)], [f"q{row}" for row in range(200)]
        found = write_set(SET, train.shape, [train], test, {"distance": "angular"}, ids=ids, qrels=qrels)
        for seed in range(FILES):
            names = {"set_path": str(SET), "set_name": found.name, "set_fingerprint": found.fingerprint}
            perform(job(**names, instance="sign", count=100, seed=seed, runs=1))

    def setup(self) -> None:
        create("sign")
        self.read, self.member = (wanted("binbench.records.store", name) for name in ("read", "member"))
        self.settle = wanted("binbench.harness.figures", "settle")
        found = wanted("binbench.sets.embeddings", "EmbeddingSet").open(SET)
        self.sets = {found.name: found}
        self.paths = [record.path for record in self.read(RESULTS)]
        if len(self.paths) != FILES:
            raise RuntimeError(f"{len(self.paths)} result files instead of {FILES}")
        self.time_evaluate_cached()

    @version("2")
    def time_load(self) -> None:
        for record in self.read(RESULTS):
            self.member(record.path, "neighbors").sum()

    @version("2")
    def time_evaluate(self) -> None:
        self.settle(RESULTS, self.paths, self.sets, force=True)

    @version("2")
    def time_evaluate_cached(self) -> None:
        self.settle(RESULTS, self.paths, self.sets)
