"""The guard: what it lets pass, what it names, and that its set is the one the baseline was measured on."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest


@pytest.fixture(scope="module")
def guard(suite):
    return suite("guard")


@pytest.fixture
def old(guard, suite):
    """One exact method, one that processors move, and one that they have left alone so far."""
    methods = {name: guard.Figures(0.8, 0.9, 32.0, "aa") for name in ("sign", "rq8", "pq16")}
    spread = suite("baseline").Spread
    return guard.Baseline("vectors", methods, {"rq8": spread(0.012, 0.02, 15), "pq16": spread(0.0, 0.0, 15)})


def changed(old, method, **figures):
    return dataclasses.replace(old, methods=old.methods | {method: dataclasses.replace(old.methods[method], **figures)})


def test_nothing_changed_nothing_to_say(guard, old):
    assert list(guard.problems(old, old)) == []


@pytest.mark.parametrize(
    ("method", "figures"),
    [
        ("rq8", {"recall10": 0.788, "ndcg10": 0.88, "code_checksum": "bb"}),
        ("pq16", {"recall10": 0.797, "ndcg10": 0.897, "code_checksum": "bb"}),
        ("sign", {"recall10": 0.7996}),
        ("sign", {"recall10": 0.9, "ndcg10": 1.0, "bytes_per_vector": 31.0}),
    ],
)
def test_passes_within_tolerance_and_better(guard, old, method, figures):
    assert list(guard.problems(old, changed(old, method, **figures))) == []


@pytest.mark.parametrize(
    ("method", "figures", "said"),
    [
        ("rq8", {"recall10": 0.7879}, "track_recall10('rq8'): 0.7879, was 0.8000; it may fall by 0.012"),
        ("rq8", {"ndcg10": 0.8799}, "track_ndcg10('rq8'): 0.8799, was 0.9000; it may fall by 0.02"),
        ("pq16", {"recall10": 0.7969}, "track_recall10('pq16'): 0.7969, was 0.8000; it may fall by 0.003"),
        ("pq16", {"ndcg10": 0.8969}, "track_ndcg10('pq16'): 0.8969, was 0.9000; it may fall by 0.003"),
        ("sign", {"recall10": 0.799}, "track_recall10('sign'): 0.7990, was 0.8000; it may fall by 0.0005"),
        ("sign", {"bytes_per_vector": 32.001}, "track_bytes_per_vector('sign'): 32.001, was 32"),
        ("sign", {"code_checksum": "bb"}, "track_code_checksum_changed('sign'): bb, was aa"),
    ],
)
def test_names_what_is_worse(guard, old, method, figures, said):
    (problem,) = guard.problems(old, changed(old, method, **figures))
    assert said in problem
    assert problem.startswith("quality.Quality.")


def test_a_method_that_is_not_exact_needs_a_measured_spread(guard, old):
    unmeasured = dataclasses.replace(old, spreads={"rq8": old.spreads["rq8"]})
    assert list(guard.problems(unmeasured, old)) == ["pq16 has no measured spread"]


@pytest.mark.parametrize(
    ("method", "worse"),
    [("int8", "int4"), ("pq16", "pq8"), ("rq8", "rq6"), ("itq128", "itq64"), ("itq-faiss128", "itq-faiss64")],
)
def test_a_real_worsening_is_larger_than_any_tolerance(guard, suite, method, worse):
    """The committed figures, and a coarser method in the place of the one they are of."""
    committed = suite("baseline").baseline()
    found = suite("figures").figures(worse)
    problems = list(guard.problems(committed, changed(committed, method, **dataclasses.asdict(found))))
    assert any(f"track_recall10({method!r})" in problem for problem in problems)
    assert any(f"track_ndcg10({method!r})" in problem for problem in problems)


def test_methods_come_and_go_only_with_the_baseline(guard, old):
    fewer = dataclasses.replace(old, methods={name: old.methods[name] for name in ("rq8", "sign")})
    assert list(guard.problems(old, fewer)) == ["pq16 is in the baseline but not measured"]
    assert list(guard.problems(fewer, old)) == ["pq16 is measured but not in the baseline"]


def test_other_vectors_make_every_comparison_void(guard, old):
    (problem,) = guard.problems(old, dataclasses.replace(changed(old, "sign", recall10=0.1), vectors="others"))
    assert "no figure can be compared" in problem


def test_exit_status_says_whether_something_is_worse(guard, old, monkeypatch, capsys):
    monkeypatch.setattr(guard, "baseline", lambda: old)
    monkeypatch.setattr(guard, "measured", lambda: old)
    assert guard.main([]) == 0
    assert "scann is left out: an extra" in capsys.readouterr().out
    monkeypatch.setattr(guard, "measured", lambda: changed(old, "sign", ndcg10=0.5))
    assert guard.main([]) == 1
    said = capsys.readouterr().err
    assert "track_ndcg10('sign')" in said
    assert "python -m benchmarks.guard --update" in said


@pytest.fixture
def processors(guard, old, suite, monkeypatch, tmp_path):
    """Three processors with figures of their own; a fourth that does not run here; where the baseline is written."""
    spread, path = suite("spread"), tmp_path / "baseline.json"
    monkeypatch.setattr(suite("baseline"), "BASELINE", path)
    suite("baseline").write_baseline(old)
    recalls = {spread.Processor("Haswell", level): recall for level, recall in (("AVX2", 0.85), ("NONE", 0.84))}
    recalls[spread.Processor("Zen", "AVX2")] = 0.87

    def measured_as(processor):
        if processor not in recalls:
            raise guard.CannotRun("it ended by SIGILL")
        return spread.Run(["Haswell"], processor.faiss, changed(old, "rq8", recall10=recalls[processor]))

    monkeypatch.setattr(guard, "measured_as", measured_as)
    monkeypatch.setattr(guard, "PROCESSORS", [*recalls, spread.Processor("SkylakeX", "AVX512")])
    return path


def test_spread_prints_what_update_writes(guard, processors, capsys):
    before = processors.read_text()
    assert guard.main(["--spread"]) == 0
    assert processors.read_text() == before
    said = capsys.readouterr().out
    assert "Zen/AVX2: measured (a copy of OpenBLAS as Haswell)" in said
    assert "SkylakeX/AVX512: cannot run here: it ended by SIGILL" in said
    (row,) = (" ".join(line.split()) for line in said.splitlines() if line.startswith("rq8"))
    assert row == "rq8 | 0.8400 0.8700 0.0300 0.0300 | 0.9000 0.9000 0.0000 0.0030 | 1"

    assert guard.main(["--update"]) == 0
    written = json.loads(processors.read_text())
    assert written["methods"]["rq8"]["recall10"] == 0.84
    assert written["spreads"]["rq8"] == {"recall10": 0.03, "ndcg10": 0.0, "processors": 3}
    assert list(written["spreads"]) == ["rq8", "pq16"]


def test_one_processor_is_no_spread(guard, processors, monkeypatch, capsys):
    before = processors.read_text()
    monkeypatch.setattr(guard, "PROCESSORS", guard.PROCESSORS[2:])
    assert guard.main(["--update"]) == 1
    assert processors.read_text() == before
    assert "a spread takes two processors, and 1 ran here" in capsys.readouterr().err


def test_codes_that_differ_are_not_exact(guard, old, processors, monkeypatch, capsys):
    before, run = processors.read_text(), guard.measured_as
    other = {"Zen": changed(old, "sign", code_checksum="bb")}
    monkeypatch.setattr(
        guard, "measured_as", lambda as_: run(as_)._replace(figures=other.get(as_.openblas, run(as_).figures))
    )
    assert guard.main(["--update"]) == 1
    assert processors.read_text() == before
    assert "guard: sign is named as exact, and 3 processors made 2 different codes" in capsys.readouterr().err


def test_figures_are_those_of_brute_force(suite):
    """The float row by hand: exact neighbours, 512 bytes, nDCG from its definition."""
    figures = suite("figures")
    known = figures.quality_set()
    assert known.checksum == suite("baseline").baseline().vectors
    assert np.allclose(np.linalg.norm(known.train, axis=1), 1, atol=1e-5)
    order = np.argsort(-(known.test.astype(np.float64) @ known.train.T.astype(np.float64)), axis=1)[:, :10]
    grades = {(q, d): g for q, d, g in known.qrels.tolist()}
    discounts = 1 / np.log2(np.arange(10) + 2)
    gains = np.array([[grades.get((q, d), 0) for d in row] for q, row in enumerate(order.tolist())])
    ndcg = gains @ discounts / (np.array([2, 1, 1, 1, 1]) @ discounts[:5])
    found = figures.figures("float")
    assert found.recall10 == 1
    assert found.ndcg10 == pytest.approx(ndcg.mean(), abs=1e-6)
    assert found.bytes_per_vector == 512


def test_checksum_sees_codes_behind_every_kind_of_method(suite):
    """A seed that changes the codes changes the checksum, for codes of ours, of faiss, and within two stages."""
    data, figures = suite("data"), suite("figures")
    train = data.documents(300)
    for method in ("binary64", "ortho64", "binary64-asym", "binary64-rescore-int8", "binary64-hnsw"):
        algorithms = data.wanted("binbench.plugins.registry", "ALGORITHMS")
        seen = []
        for seed in (0, 0, 1):
            algorithm = algorithms.get(method).create(dimension=128, seed=seed)
            algorithm.fit(train)
            seen.append(figures._sha256(figures._state(algorithm)))
        assert seen[0] == seen[1] != seen[2], method


def test_missing_names_are_na_only_where_asv_installed_an_older_commit(suite, monkeypatch):
    data = suite("data")
    monkeypatch.delenv("ASV_ENV_DIR", raising=False)
    with pytest.raises(ModuleNotFoundError):
        data.wanted("binbench.not_yet", "anything")
    monkeypatch.setenv("ASV_ENV_DIR", "env")
    with pytest.raises(NotImplementedError, match="not_yet"):
        data.wanted("binbench.not_yet", "anything")
    with pytest.raises(NotImplementedError, match="nosuch"):
        data.create("nosuch")
