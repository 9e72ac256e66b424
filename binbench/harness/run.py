"""The main job: every asked-for method over every asked-for set."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal

from filelock import FileLock

from binbench.cluster import current
from binbench.errors import UserError
from binbench.files import writing
from binbench.harness.estimate import duration, told
from binbench.harness.figures import judge, settle
from binbench.harness.jobs import RESULT_SCHEMA, Job
from binbench.harness.options import RunOptions
from binbench.harness.pool import ForkServer, Server, perform_all
from binbench.harness.results import write_failure
from binbench.plugins.identity import code_identity
from binbench.plugins.registry import ALGORITHMS, load_file
from binbench.progress import progress
from binbench.provenance import command
from binbench.records.record import Record
from binbench.records.store import open_record
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.encoders import check_encoder
from binbench.sets.prepare import Preparation, check_dataset
from binbench.sets.subsets import Subset, sample_name

logger = logging.getLogger("binbench")

State = Literal["missing", "stale", "of an earlier version", "failed before", "done"]
DEFAULT_COUNT = 100
#: Seconds from which on a run says beforehand how long it will take.
_LONG = 60


@dataclass(frozen=True)
class Planned:
    """A job with what is already there of it."""

    job: Job
    state: State
    results: list[Path]


@dataclass
class Outcome:
    """What a run left behind.

    Attributes:
        sets: the embedding sets, by name.
        records: every asked-for result, the float reference first where it was added, per set in the order asked.
        asked: names of the instances that were asked for: the reference may be none of them.
    """

    sets: dict[str, EmbeddingSet] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    asked: frozenset[str] = frozenset()

    @property
    def failures(self) -> list[Record]:
        """Results that were asked for and are neither ok nor skipped."""
        return [one for one in self.records if one.status not in ("ok", "skipped") and one.instance in self.asked]


def plan_set(embeddings: EmbeddingSet, algorithms: Sequence[str], options: RunOptions) -> list[Planned]:
    """The jobs for one set, each with its state; ``float`` is added, because retention needs it.

    Raises:
        UserError: an unknown algorithm, or more neighbours than documents.
    """
    total = len(embeddings.train)
    sizes = options.sizes(total)
    for count in options.counts:
        if count > (least := min(size or total for size in sizes)):
            whose = embeddings.name if least == total else f"a subset of {embeddings.name}"
            raise UserError(f"--count {count} is larger than the corpus: {whose} has {least} documents")
    # A method without a seed gives the same job for every seed.
    jobs = dict.fromkeys(
        Job(
            **options.conditions(),
            set_path=embeddings.path.resolve(),
            set_name=embeddings.name,
            set_fingerprint=embeddings.fingerprint,
            instance=instance.name,
            count=count,
            documents=size,
            sample=sample_name(embeddings, size) if size else None,
            mode=mode,
            seed=seed if instance.seeded else None,
            parallel=options.jobs,
            results_dir=options.results_dir.resolve(),
            plugins=tuple(plugin.resolve() for plugin in options.plugins),
            hypotheses=options.hypotheses,
            command=command(),
            code=code_identity(instance.family.plugin),
        )
        for mode in options.modes
        for seed in [*options.seeds, *chain(*options.seeds_of.values())]
        for instance in ALGORITHMS.resolve(["float", *algorithms])
        if not instance.seeded or seed in options.seeds_for(instance)
        for size in sizes
        for count in options.counts or (min(DEFAULT_COUNT, size or total),)
    )
    return [Planned(job, _state(job), [job.path(a) for a in job.query_arguments()]) for job in jobs]


def plan(
    preparations: Sequence[Preparation], algorithms: Sequence[str], options: RunOptions
) -> list[tuple[Preparation, list[Planned] | None]]:
    """What :func:`run` would do: the jobs of each set with their state, or None for a set that is still to be made.

    Raises:
        UserError: as for :func:`run`.
    """
    check(preparations, algorithms, options)
    rows: list[tuple[Preparation, list[Planned] | None]] = []
    for preparation in preparations:
        embeddings = preparation.find()
        rows.append((preparation, plan_set(embeddings, algorithms, options) if embeddings else None))
    return rows


def check(preparations: Sequence[Preparation], algorithms: Sequence[str], options: RunOptions) -> None:
    """See that every name means something: a misspelt one is better found before hours of encoding.

    Raises:
        UserError: an unknown algorithm, dataset or encoder, or a plugin file that cannot be loaded.
    """
    for plugin in options.plugins:
        load_file(plugin)
    ALGORITHMS.resolve(algorithms)
    for preparation in preparations:
        check_dataset(preparation.dataset, preparation.source)
        check_encoder(preparation.encoder.spec)


def run(preparations: Sequence[Preparation], algorithms: Sequence[str], options: RunOptions | None = None) -> Outcome:
    """Prepare the sets that are missing, run the jobs that are missing or stale, and collect all results.

    Raises:
        UserError: nothing sensible can be run. A method that fails is no error here: see :attr:`Outcome.failures`.
    """
    options = options or RunOptions()
    check(preparations, algorithms, options)
    with writing(options.results_dir):
        options.results_dir.mkdir(parents=True, exist_ok=True)
    outcome = Outcome(asked=frozenset(instance.name for instance in ALGORITHMS.resolve(algorithms)))
    planned: list[Planned] = []
    for preparation in preparations:
        embeddings = preparation.run()
        embeddings.check()
        outcome.sets[embeddings.name] = embeddings
        planned += plan_set(embeddings, algorithms, options)
    if earlier := sum(len(plan.results) for plan in planned if plan.state == "of an earlier version"):
        logger.info("%d results are of an earlier version of binbench: measured anew", earlier)
    todo = [plan.job for plan in planned if options.force or plan.state != "done"]
    _truths(todo, outcome.sets)
    seconds, unknown = duration(todo, outcome.sets, options.results_dir)
    if seconds / options.jobs > _LONG:
        guessed = f", a guess for {unknown} of them that were never measured" if unknown else ""
        logger.info(
            "%d jobs, about %s%s; a run that is stopped goes on where it was",
            len(todo),
            told(seconds / options.jobs),
            guessed,
        )
    for name in dict.fromkeys(job.set_name for job in todo):
        outcome.sets[name].check_vectors()
    _perform(todo, outcome.sets, options)
    paths = [path for plan in planned for path in plan.results]
    outcome.records, troubles = settle(options.results_dir, paths, outcome.sets)
    for trouble in troubles:
        logger.warning("%s", trouble)
    return outcome


def _state(job: Job) -> State:
    """What is there of `job`; the worst of its results counts."""
    states: set[State] = set()
    for arguments in job.query_arguments():
        path = job.path(arguments)
        if not path.is_file():
            states.add("missing")
            continue
        try:
            stored = open_record(path)
        except UserError:
            states.add("stale")
            continue
        if stored.inputs != job.inputs(arguments):
            states.add("of an earlier version" if 0 < stored.result_schema < RESULT_SCHEMA else "stale")
        elif stored.status not in ("ok", "skipped"):
            states.add("failed before")
    order: tuple[State, ...] = ("missing", "stale", "of an earlier version", "failed before")
    return next((state for state in order if state in states), "done")


def _truths(jobs: Sequence[Job], sets: dict[str, EmbeddingSet]) -> None:
    """The exact neighbours within the subsets of `jobs`, before these are on the clock."""
    wanted = dict.fromkeys((job.set_name, job.documents, job.folder) for job in jobs if job.documents)
    if not wanted:
        return
    with progress("exact neighbours in subsets", len(wanted), "subsets", log=False) as advance:
        for name, documents, folder in wanted:
            _ = Subset(sets[name], documents, folder).truth
            advance(1)


def _perform(jobs: Sequence[Job], sets: dict[str, EmbeddingSet], options: RunOptions) -> None:
    if not jobs:
        return
    done = 0
    with progress("running", len(jobs), "jobs", log=False) as advance:

        def one(server: Server, job: Job) -> None:
            nonlocal done
            first = job.path(job.query_arguments()[0])
            with writing(first.parent):
                first.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(first.with_name(f".{first.stem[:200]}.lock")):
                # Another command may have done it while this one waited.
                if options.force or _state(job) != "done":
                    advance(0, f"{job.set_name} × {job.instance}")
                    _perform_one(server, job, sets[job.set_name], options)
            done += 1
            advance(1)
            size = f", {job.documents} documents" if job.documents else ""
            logger.info("[%d/%d] %s%s × %s: %s", done, len(jobs), job.set_name, size, job.instance, _ending(job))

        try:
            perform_all(jobs, one, _servers(len(jobs), options))
        except KeyboardInterrupt:
            raise UserError(
                f"interrupted after {done} of {len(jobs)} jobs; the same command goes on with the rest"
            ) from None


def _servers(jobs: int, options: RunOptions) -> list[Server]:
    """One for every job that may be under way: a cluster's workers should always find the next one waiting."""
    if cluster := current():
        from binbench.harness.remote import RemoteServer

        return [RemoteServer(cluster, options.threads) for _ in range(min(jobs, 2 * max(1, cluster.workers)))]
    return [ForkServer(options.threads) for _ in range(min(jobs, options.jobs))]


def _perform_one(server: Server, job: Job, embeddings: EmbeddingSet, options: RunOptions) -> None:
    before = {str(a): _stamp(job.path(a)) for a in job.query_arguments()}
    ending = server.perform(job, options.timeout, options.memory_limit)
    if ending.status != "ok":
        logger.debug("%s", ending.log)
    for arguments in job.query_arguments():
        path = job.path(arguments)
        status, reason = ending.status, ending.reason
        if _stamp(path) != before[str(arguments)]:
            try:
                judge(path, embeddings)
            except UserError as error:
                status, reason = "failed", f"what the job left cannot be judged: {error}"
            else:
                continue
        elif status == "ok":
            status, reason = "failed", "the job ended without this result"
        write_failure(job, arguments, status, reason, embeddings)


def _ending(job: Job) -> str:
    """How `job` ended, from its last result: the status, and the seconds of the build or the reason."""
    last = open_record(job.path(job.query_arguments()[-1]))
    if last.status == "ok":
        return f"ok, built in {last.build_seconds:.2f} s, {last.queries_per_second:,.0f} queries/s"
    return f"{last.status}: {last.reason}"


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
