"""What the report says of green, yellow, red-A, red-B and empty inputs: the text follows the figures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from study.made_up import codes, iso_row, method_row, predictions, truth
from study.test_worlds import X2Figures, X3Figures

from binbench.errors import UserError
from binbench.study.execute import Progress, Step
from binbench.study.experiment import Band, Outcome, Plot
from binbench.study.experiments.e2 import E2, Sweep
from binbench.study.experiments.e4 import GroundTruth
from binbench.study.experiments.e5 import E5, BinaryRetrieval
from binbench.study.experiments.e6 import QuantizedRetrieval
from binbench.study.published import checked
from binbench.study.questions import falling, questions
from binbench.study.report import Material, document
from binbench.study.report.page import page
from binbench.study.rows import large, resting, sized
from binbench.study.scenario import scenario
from binbench.study.switches import Switch, f1, f2, f3, k1, k2, k3
from binbench.study.tables import iso_table, table

PAIRS = [(d, e) for d in ("scifact", "nq-500k") for e in ("all-MiniLM-L6-v2", "e5-base-v2")]
RECALLS = {64: 0.4, 128: 0.6, 256: 0.8, 512: 1.0}


def outcome(name: str, figures: Any, band: Band) -> Outcome[Any]:
    tables = [table(f"table of {name}", ("a", "b"), [["x", "1"]])]
    return Outcome(name, f"title of {name}", "made-up", figures, band, tables, [Plot(f"{name}-x.svg", "a plot")])


def material(
    recall: float,
    ratio: float,
    *,
    x2: float | None = None,
    x3: float | None = None,
    done: tuple[int, int] = (10, 10),
    reproduced: bool = True,
    geometry: tuple[float, float] = (0.5, 0.4),
) -> Material:
    """Binary whose recall@10 at 512 bits is `recall`, and `ratio` × PQ at equal bytes, on four pairs."""
    methods = [method_row(d, e, f"binary{bits}", share * recall) for d, e in PAIRS for bits, share in RECALLS.items()]
    iso = [iso_row(d, e, b, s * recall, min(1, s * recall / ratio)) for d, e in PAIRS for b, s in RECALLS.items()]
    methods += [method_row(pair.dataset, pair.encoder, f"pq{pair.bytes}", pair.pq) for pair in iso]
    e5 = BinaryRetrieval(methods=tuple(row for row in methods if row.family == "binary"), iso=tuple(iso))
    e2 = Sweep(codes=(codes(reproduced=reproduced),), failures=())
    e4 = GroundTruth(sets=(truth(checked=9, agreeing=9),), asked=1, made=1, budget=50)
    e8 = predictions(geometry[0], 0.6, geometry[1], rows=16, sets=4)
    fine = Band("green", ["fine"])
    outcomes = {
        "e2": outcome("e2", e2, fine if reproduced else Band("red", ["irreproducible in a second process"])),
        "e4": outcome("e4", e4, fine),
        **{name: outcome(name, QuantizedRetrieval(methods=()), fine) for name in ("e3", "e6")},
        "e5": outcome("e5", e5, E5().judge(e5)),
        "e8": outcome("e8", e8, fine),
    }
    if x2 is not None:
        outcomes["x2"] = outcome("x2", X2Figures(x2, x2), fine)
    if x3 is not None:
        outcomes["x3"] = outcome("x3", X3Figures(x3, 0.0), fine)
    found = [k2(None if x3 is None else X3Figures(x3, 0.0)), k3(None if x2 is None else X2Figures(x2, x2))]
    return Material(
        campaign="made-up",
        hypotheses={"H1": "Binary codes preserve neighbours.", "H9": "Something else."},
        asked=PAIRS,
        outcomes=outcomes,
        switches=[f1(methods), f2(iso), f3(e8), k1(*done), *found],
        methods=methods,
    )


CASES = {
    "GREEN": material(0.8, 0.9, x2=0.4, x3=4.0),
    "YELLOW": material(0.6, 0.7, x2=0.1, x3=1.0),
    "RED-A": material(0.4, 0.45, x2=0.04, x3=0.5),
    "RED-B": material(0.8, 0.9, x2=0.4, x3=4.0, done=(10, 7)),
}


@pytest.mark.parametrize("expected", CASES)
def test_the_scenario(expected: str) -> None:
    given = CASES[expected]
    assert scenario(given.outcomes, given.switches).scenario == expected
    assert f"**Scenario: {expected}.**" in document(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (material(0.8, 0.9), "undetermined"),
        (material(0.6, 0.7), "undetermined"),
        (material(0.8, 0.9, x2=0.3, x3=4.0), "YELLOW"),
        (material(0.4, 0.45, x2=0.1, x3=5.0), "undetermined"),
        (material(0.8, 0.9, x2=0.4, x3=4.0, reproduced=False), "RED-B"),
        # F1 and F2 stop X3: that is no negative result.
        (material(0.4, 0.45, x2=0.04), "undetermined"),
        (Material("empty"), "undetermined"),
    ],
)
def test_scenarios_that_need_more(given: Material, expected: str) -> None:
    assert scenario(given.outcomes, given.switches).scenario == expected


@pytest.mark.parametrize(
    ("expected", "answers"),
    [
        ("GREEN", ["yes", "yes", "yes", "yes", "yes"]),
        ("YELLOW", ["yes", "yes", "no", "no", "no"]),
        ("RED-A", ["yes", "no", "no", "no", "no"]),
        ("RED-B", ["no", "yes", "yes", "yes", "yes"]),
    ],
)
def test_the_five_questions_in_order(expected: str, answers: list[str]) -> None:
    given = CASES[expected]
    found = questions(given.outcomes, given.switches)
    assert [question.answer for question in found] == answers
    text = document(given)
    places = [text.index(question.text) for question in found]
    assert places == sorted(places)
    assert all(re.search(r"\d", question.numbers) for question in found)


def test_geometry_matters_only_beyond_the_bits() -> None:
    given = material(0.8, 0.9, x2=0.1, geometry=(0.02, 0.91))
    found = questions(given.outcomes, given.switches)[4]
    assert found.answer == "no"
    assert found.numbers.startswith("X2: R² = 0.10 of what geometry adds; E8: R² of sets left out: ")
    assert "added by geometry 0.02" in found.numbers
    assert "bits alone 0.91" in found.numbers
    unmeasured = material(0.8, 0.9, geometry=(0.4, 0.91))
    assert questions(unmeasured.outcomes, unmeasured.switches)[4].answer == "not known"


def test_only_where_nothing_holds_it_is_called_not_competitive() -> None:
    sentence = "Binary retrieval with these embeddings is not competitive with PQ under realistic memory budgets."
    assert {name for name, given in CASES.items() if sentence in document(given)} == {"RED-A"}
    assert sentence not in document(Material("empty"))


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (material(0.5, 1.2), "Preferable"),
        (material(0.6, 0.95), "Competitive"),
        (material(0.6, 0.7), "Clearly worse"),
    ],
)
def test_standings_follow_the_ratio(given: Material, kind: str) -> None:
    text = document(given)
    assert f"**{kind}: 16 of 16.**" in text
    for other in {"Preferable", "Competitive", "Clearly worse"} - {kind}:
        assert f"**{other}: 0 of 16.** Nowhere." in text


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("GREEN", "**supported**"), ("YELLOW", "**neither supported nor refuted**"), ("RED-A", "**not supported**")],
)
def test_hypotheses(name: str, verdict: str) -> None:
    text = document(CASES[name])
    assert verdict in text
    assert "**H9.** Something else." in text


def test_triggered_switches_stop_what_depends_on_them() -> None:
    text = document(CASES["RED-A"])
    assert re.search(r"\| X1 \|.*stopped by F[12]", text)
    assert re.search(r"\| X4 \|.*not run", text)
    assert "F1 triggered" in text


def test_overriding_a_switch_is_mentioned() -> None:
    log = Progress([Step("tier 3", "stopped", "F2: low")], despite=["F1: recall is low"])
    text = document(replace(CASES["RED-A"], log=log))
    assert "Run despite a kill-switch" in text
    assert "study run made-up --despite-kill-switch" in text
    assert "**Stopped: tier 3.** F2: low." in text
    assert "--despite-kill-switch" not in document(CASES["RED-A"])


def test_failures_and_gaps_are_listed() -> None:
    troubles = {"a-m": ["pq64: failed: out of luck"]}
    text = document(replace(CASES["GREEN"], troubles=troubles, log=Progress(failures=["b: no"])))
    assert "a-m: pq64: failed: out of luck" in text
    assert "* b: no" in text


def test_nothing_at_all_still_gives_a_document() -> None:
    text = document(Material("empty"))
    assert "not known" in text.lower()
    assert "No results." in text
    for name in ("E1", "E8", "X4"):
        assert re.search(rf"\| {name} \|", text)


def test_falling_curves_are_not_clean() -> None:
    rows = [method_row("a", "m", f"binary{bits}", recall) for bits, recall in ((64, 0.5), (128, 0.4), (256, 0.6))]
    assert falling(rows) == ["a-m: binary64 0.500, binary128 0.400"]


def test_published_figures_are_checked_under_their_conditions() -> None:
    row = method_row("scifact", "all-MiniLM-L6-v2", "float", 1.0, means={"ndcg@10": 0.6440, "map@10": 0.5})
    found = {line.known.measure: line for line in checked([row])}
    assert found["ndcg@10"].agrees is True
    assert found["ndcg@10"].difference == pytest.approx(0.6440 - 0.64508)
    assert found["map@10"].agrees is False
    assert checked([row], subsets=[row.set]) == []
    assert checked([replace(row, dataset="scifact-500k")]) == []
    sign = method_row("nq", "e5-base-v2", "sign-rescore-self candidates=40", 0.5)
    assert [line.agrees for line in checked([sign])] == [None]


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_text("<svg/>")
    found = page("# T <x>\n\n| a | b |\n|---|--:|\n| <b> | 1 |\n\n![c](p.svg)\n", "A & B", tmp_path)
    assert "<title>A &amp; B</title>" in found
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in found
    assert "&lt;b&gt;" in found
    assert '<div class="table"><table>' in found


def test_outcomes_survive_their_file(tmp_path: Path) -> None:
    for name, experiment in (("e2", E2()), ("e5", E5())):
        given = CASES["GREEN"].outcomes[name]
        given.write(tmp_path)
        assert Outcome.read(tmp_path / f"{name}.json", experiment) == given


def test_a_figure_that_is_not_defined_is_null(tmp_path: Path) -> None:
    given = outcome("e2", Sweep(codes=(codes(distance_mean=float("nan")),), failures=()), Band("green", []))
    path = given.write(tmp_path)
    assert '"distance_mean": null' in path.read_text()
    assert Outcome.read(path, E2()).figures.codes[0].distance_mean is None


@pytest.mark.parametrize(("old", "new"), [('"self_distance"', '"distance"'), ('"skewed": 0.0', '"skewed": "a few"')])
def test_an_outcome_of_another_version_is_named_in_one_line(tmp_path: Path, old: str, new: str) -> None:
    path = CASES["GREEN"].outcomes["e2"].write(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=r"e2\.json is not a stored experiment .*; run the experiment again") as caught:
        Outcome.read(path, E2())
    assert "\n" not in str(caught.value)


def test_a_switch_that_has_not_triggered_stops_nothing() -> None:
    assert Switch("F1", "not triggered", "").stops == ()


def test_the_abstract_has_five_sentences_of_figures() -> None:
    text = document(CASES["RED-A"]).partition("## Abstract")[2].partition("##")[0].strip()
    sentences = re.split(r"(?<=[a-z0-9`\")])\. (?=[A-Z])", text)
    assert len(sentences) == 5
    assert "`binary512`" in sentences[1]
    assert "recall@10 is not measured for `int8`, 0.89 to 0.89 for `pq64`, 0.40 to 0.40 for `binary512`" in sentences[1]
    assert "0.45 to 0.45 times PQ's recall@10" in sentences[2]
    assert "16 of 16 comparisons" in sentences[2]
    assert sentences[4].startswith("The scenario is RED-A")
    assert "There are no results yet." in document(Material("empty"))


def test_what_was_not_run_has_no_section_and_pairs_stand_once() -> None:
    text = document(material(0.4, 0.45))
    assert not re.search(r"^### X", text, re.MULTILINE)
    assert re.search(r"\| X4 \|", text)
    assert "p (Holm)" not in text  # E5's record holds the table; this one is made up


def test_flattered_quantizers_are_marked_wherever_they_stand() -> None:
    given = CASES["GREEN"]
    methods = [replace(row, flattered=row.family == "pq") for row in given.methods]
    text = document(replace(given, methods=methods))
    headline = text.partition("## Headline")[2].partition("## Research")[0]
    assert all(("†" in line) == line.startswith("| pq") for line in headline.splitlines() if line.startswith("| "))
    assert "† trained on fewer than 39 points per centroid" in headline
    assert "pq64: 64 B" not in text.replace("†", "") or "†" in text.partition("### RQ4")[2].partition("## ")[0]
    pair = replace(given.outcomes["e5"].figures.iso[0], flattered=True, corrected=0.02)
    made = iso_table([pair])
    assert made.lines[0][made.header.index("PQ recall@10")].endswith(" †")
    assert made.lines[0][made.header.index("p (Holm)")] == "0.0200"


def test_verdicts_about_pq_rest_on_large_sets_where_there_are_any() -> None:
    small, big = (iso_row(d, "m", 256, 0.5, pq) for d, pq in (("small", 0.9), ("big", 0.5)))
    big = replace(big, documents=10_000)
    assert large([small, big]) == [big]
    assert sized([big]) == "on sets of 10,000 documents or more: big-m"
    assert large([small]) == [small]
    assert sized([small]) == "on sets of fewer than 10,000 documents too (all), which flatter PQ"
    assert sized([small, big]).startswith("on sets of fewer than 10,000 documents too (small-m)")
    # One large pair is no block of datasets and models, four are.
    assert resting([small, big]) == [small, big]
    block = [replace(iso_row(d, e, 256, 0.3, 0.9), documents=10_000) for d, e in PAIRS]
    assert resting([small, *block]) == block
    assert "highest ratio 0.33" in f2([small, *block]).reason
