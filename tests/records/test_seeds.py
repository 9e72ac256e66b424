"""Seeds of a method as one row, and intervals that hold them."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from measured import Stored, job
from numpy.random import PCG64, Generator

from binbench.harness.figures import evaluate
from binbench.harness.worker import perform
from binbench.measures.bootstrap import difference_ci, mean_ci, ratio_ci, seeds_ci
from binbench.measures.comparison import compare
from binbench.records.rows import rows as read_rows
from binbench.records.seeds import SeedsRow, pooled
from binbench.report.table import TableOptions, table

SEEDS = (0, 1, 2)


@pytest.fixture
def seeded(stored: Stored) -> Stored:
    """The stored results with `binary64` and `pq8` under three seeds."""
    for seed in SEEDS[1:]:
        for instance in ("binary64", "pq8"):
            assert perform(job(stored.embeddings, stored.results_dir, instance, seed=seed)) == ("ok", "")
    assert evaluate(stored.results_dir, stored.data_dir)[1] == []
    return stored


def draws(queries: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Two methods of four and three seeds; seeds differ, and queries do."""
    rng = Generator(PCG64(5))
    common = 0.2 * rng.standard_normal(queries)
    a, b = (m + s * rng.standard_normal((n, 1)) + common for m, s, n in ((0.5, 0.05, 4), (0.7, 0.02, 3)))
    return a + 0.05 * rng.standard_normal(a.shape), b + 0.05 * rng.standard_normal(b.shape)


def test_both_queries_and_seeds_are_resampled() -> None:
    a, b = draws()
    rng = Generator(PCG64(1))

    def resampled(values: np.ndarray, queries: np.ndarray) -> float:
        return float(values[rng.integers(len(values), size=len(values))][:, queries].mean())

    # The plain percentile bootstrap, one resample at a time.
    chosen = [rng.integers(80, size=80) for _ in range(4000)]
    means = np.array([(resampled(a, q), resampled(b, q)) for q in chosen])
    for found, plain in (
        (seeds_ci(a), means[:, 0]),
        (difference_ci(a, b), means[:, 0] - means[:, 1]),
        (ratio_ci(a, b), means[:, 0] / means[:, 1]),
    ):
        width = np.subtract(*np.quantile(plain, [0.975, 0.025]))
        assert (found.low, found.high) == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.15 * width)
    assert seeds_ci(a).estimate == pytest.approx(a.mean())
    assert seeds_ci(a).high - seeds_ci(a).low > 1.1 * np.subtract(*mean_ci(a.mean(axis=0))[:0:-1])


def test_one_seed_is_the_interval_over_queries() -> None:
    a, b = draws()
    assert seeds_ci(a[:1]) == pytest.approx(mean_ci(a[0]))
    assert ratio_ci(a[:1], b[:1]) == pytest.approx(ratio_ci(a[0], b[0]))
    with pytest.raises(ValueError, match="not of the same queries"):
        difference_ci(a, b[:, :3])


def test_a_comparison_tests_the_means_over_the_seeds() -> None:
    a, b = draws()
    found, plain = compare(a, b), compare(a.mean(axis=0), b.mean(axis=0))
    assert (found.p_value, found.losses, found.mean_a) == (plain.p_value, plain.losses, plain.mean_a)
    assert np.subtract(*found.ratio[:0:-1]) > np.subtract(*plain.ratio[:0:-1])


def test_seeds_of_a_method_are_one_row(seeded: Stored) -> None:
    rows = read_rows(seeded.results_dir, seeded.data_dir)
    one = next(row for row in pooled(rows) if row["method"] == "binary64" and row["mode"] == "batch")
    assert isinstance(one, SeedsRow)
    recalls = [row["recall@10"] for row in rows if row["method"] == "binary64" and row["mode"] == "batch"]
    assert len(set(recalls)) > 1
    assert one["recall@10"] == pytest.approx(sum(recalls) / 3)
    assert one.spread("recall@10") == pytest.approx(statistics.stdev(recalls))
    values = np.stack([row.record.values("recall@10") for row in one.members])  # type: ignore[misc]
    assert (one["recall@10_ci_low"], one["recall@10_ci_high"]) == pytest.approx(seeds_ci(values)[1:])
    assert (one["bytes_per_vector"], one["seed"], one["family"]) == (8.0, None, "binary")
    # What has one seed, or failed, stays as it is.
    assert sum(isinstance(row, SeedsRow) for row in pooled(rows)) == 2
    assert len(pooled(rows)) == len(rows) - 4


def test_other_caps_on_training_are_other_methods(seeded: Stored) -> None:
    """Of one seed under two caps no mean is taken, and the seeds of one cap are not mixed with those of another."""
    for seed in SEEDS[:2]:
        asked = job(seeded.embeddings, seeded.results_dir, "pq8", seed=seed)
        assert perform(asked.model_copy(update={"max_train": 300})) == ("ok", "")
    rows = [row for row in read_rows(seeded.results_dir, seeded.data_dir) if row["method"] == "pq8"]
    found = {(row["mode"], row["max_train"]): row for row in pooled(rows)}
    assert len(found) == len(pooled(rows))
    assert sorted(one["seed"] for one in found["batch", None].members) == [0, 1, 2]
    assert sorted(one["seed"] for one in found["batch", 300].members) == [0, 1]
    assert {one["max_train"] for one in found["batch", 300].members} == {300}


def test_tables_show_the_mean_unless_asked_by_seed(seeded: Stored) -> None:
    def lines(**options: object) -> list[str]:
        chosen = TableOptions(filters=["mode=batch"], **options)  # type: ignore[arg-type]
        return [one for one in table(seeded.results_dir, seeded.data_dir, chosen).splitlines() if "binary64" in one]

    assert len(lines()) == 1
    assert " ± " in lines()[0]
    assert "± " not in "".join(lines(by_seed=True))
    assert len(lines(by_seed=True)) == 3
    assert lines(iso_memory=True)[0].endswith("]")
