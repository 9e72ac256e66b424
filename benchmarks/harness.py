"""What the harness adds to a method's own time, and how long the main job takes on next to nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .data import create, documents, processor_seconds, queries, version, wanted

SET = Path("small.hdf5")


class Measure:
    """`time_noop`: timing and checking 3 × 200 queries to a method that answers at once."""

    params = (["batch", "single"],)
    param_names = ("mode",)
    timer = processor_seconds

    def setup(self, mode: str) -> None:
        self.overhead = wanted("binbench.harness.timing", "Noop").overhead
        self.queries = queries(200)

    @version("1")
    def time_noop(self, mode: str) -> None:
        self.overhead(self.queries, 100, mode)


class Run:
    """`time_run` and `time_again`: the main job for two fast methods on 1,000 documents."""

    number = 1
    repeat = (1, 5, 10.0)
    timeout = 120

    def setup(self) -> None:
        create("binary256")
        self.run = wanted("binbench.harness.run", "run")
        self.options = wanted("binbench.harness.run", "RunOptions")
        write_set = wanted("binbench.sets.embeddings", "write_set")
        train, test = documents(1000), queries(50)
        qrels = np.array([(row, row, 1) for row in range(50)], np.int32)
        write_set(SET, train.shape, [train], test, {"distance": "angular"}, qrels=qrels)
        self.sets = [wanted("binbench.sets.prepare", "Preparation")(str(SET))]
        self.time_run()

    @version("1")
    def time_run(self) -> None:
        """The server's start, two jobs in processes of their own, two result files."""
        self.run(self.sets, ["binary256"], self.options(runs=1, force=True))

    @version("1")
    def time_again(self) -> None:
        """The same once everything is there."""
        self.run(self.sets, ["binary256"], self.options(runs=1))
