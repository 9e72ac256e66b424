"""From your vectors to a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from binbench.api.arguments import Names, asked, check_keywords, given_of, kept, several
from binbench.errors import UserError
from binbench.harness.options import RunOptions, SetOptions
from binbench.tasks.recommend import Recommendation


def recommend(
    documents: int,
    vectors: NDArray[Any] | None = None,
    queries: NDArray[Any] | None = None,
    *,
    dataset: str | None = None,
    memory: int | None = None,
    quality: float | None = None,
    measure: str = "recall@10",
    latency: float | None = None,
    build: float | None = None,
    training: bool = True,
    rescore_store: bool = True,
    algorithms: Names = (),
    name: str = "vectors",
    seed: int | None = None,
    results_dir: str | Path | None = None,
    data_dir: str | Path | None = None,
    **options: Any,
) -> Recommendation:
    """What to take for so many `documents`, as ``binbench recommend`` says; what is missing is measured first.

    Args:
        documents: how many there will be.
        vectors, queries: yours, (N, d) and (Q, d) floats; or a `dataset`.
        dataset: as on the command line.
        memory: at most so many bytes for all documents.
        quality: at least so much of `measure`, at the lower end of its 95 % interval.
        measure: such as ``recall@10`` or ``ndcg-retention``.
        latency, build: at most so many seconds per query, asked singly, and for the index.
        training, rescore_store: whether methods may learn from documents, and keep a second copy of them.
        algorithms: to choose from; a small zoo where left out.
        name: with vectors: how their set's name begins.
        seed, results_dir, data_dir, options: see :func:`binbench.run`.

    Returns:
        ``pick`` (None where nothing fits), ``runners_up``, ``nearest_misses``, and every ``candidates``.

    Raises:
        UserError: nothing sensible can be said, such as beyond a hundred times the documents that there are.
    """
    from binbench.harness.run import run
    from binbench.tasks.candidates import Wanted
    from binbench.tasks.recommend import recommend as decided
    from binbench.tasks.recommend import work

    limits = {"memory": memory, "quality": quality, "measure": measure, "latency": latency, "build": build}
    wanted = Wanted(documents=documents, training=training, rescore_store=rescore_store, **limits)  # type: ignore[arg-type]
    _ = wanted.base
    named = {"seeds": seed, "source_seed": seed, "results_dir": results_dir, "data_dir": data_dir}
    given = given_of(named) | options
    check_keywords(given)
    if vectors is not None and queries is not None and dataset is None:
        given["train"], given["queries"] = map(str, kept(vectors, queries, name, asked(SetOptions, given).data_dir))
    elif vectors is None and queries is None and dataset is not None:
        given["datasets"] = dataset
    else:
        raise UserError(
            'give vectors and queries, or a set: bb.recommend(10_000_000, vectors, queries, …) or dataset="…"'
        )
    preparations = asked(SetOptions, given).preparations()
    if len(preparations) != 1:
        raise UserError(f"a recommendation is about one set, and {dataset!r} stands for {len(preparations)}")
    todo = work(preparations[0], several(algorithms), asked(RunOptions, given), wanted)
    return decided(preparations[0].run(), run(*todo).records, wanted)
