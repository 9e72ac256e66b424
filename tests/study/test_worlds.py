"""Made-up worlds, fed through bands, kill-switches and scenario: which verdict each of them gets."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from study.made_up import codes, iso_row, method_row, predictions, truth

from binbench.study.experiment import Band, Outcome
from binbench.study.experiments.e2 import E2, Sweep
from binbench.study.experiments.e3 import E3, QuantizerRow, Quantizers
from binbench.study.experiments.e4 import E4, GroundTruth
from binbench.study.experiments.e5 import E5, BinaryRetrieval
from binbench.study.experiments.e6 import E6, QuantizedRetrieval
from binbench.study.questions import competitive, questions
from binbench.study.report import Material, document
from binbench.study.scenario import scenario
from binbench.study.switches import f1, f2, f3, k1, k2, k3

BLOCK = [(d, e) for d in ("a", "b") for e in ("m", "n")]
DIAGONAL = [("a", "m"), ("b", "n")]


@dataclass(frozen=True)
class X2Figures:
    """What scenario and switches ask of X2."""

    r2: float | None
    rho: float | None


@dataclass(frozen=True)
class X3Figures:
    """What scenario and switches ask of X3; its first configuration is its best."""

    gain_points: float | None
    gap_closed: float | None

    @property
    def first_gain_points(self) -> float | None:
        return self.gain_points

    @property
    def first_gap_closed(self) -> float | None:
        return self.gap_closed


GEOMETRY, NO_GEOMETRY = X2Figures(0.4, 0.6), X2Figures(0.04, 0.1)
ADAPTER, NO_ADAPTER = X3Figures(4.0, 0.2), X3Figures(0.5, 0.05)


def world(
    binary: float = 0.8,
    pq: float = 0.9,
    *,
    x2: X2Figures | None = GEOMETRY,
    x3: X3Figures | None = ADAPTER,
    pairs: list[tuple[str, str]] = BLOCK,
    counted: bool = True,
    done: int = 10,
    lengths: tuple[int, ...] = (64, 256),
    code: dict[str, Any] | None = None,
    ground: dict[str, Any] | None = None,
    without: tuple[str, ...] = (),
) -> Material:
    """binary512 and pq64 with these recalls on `pairs`; judged by the real bands, without some experiments."""
    rows = {name: [method_row(d, e, name, r, counted=counted) for d, e in pairs] for name, r in
            (("binary512", binary), ("pq64", pq))}  # fmt: skip
    iso = tuple(replace(iso_row(d, e, 512, binary, pq), counted=counted) for d, e in pairs)
    labels = [{"set": f"{d}-{e}", "dataset": d, "encoder": e, "counted": counted} for d, e in pairs]
    swept = [codes(bits=bits, bytes_per_vector=bits / 8, **own, **(code or {})) for own in labels for bits in lengths]
    truths = [truth(**own) for own in labels]
    truths[0] = replace(truths[0], **(ground or {}))
    error = {"quantization_error": 0.1, "error_sample": 100}
    figures: dict[Any, Any] = {
        E2: Sweep(codes=tuple(swept), failures=()),
        E3: Quantizers(methods=tuple(QuantizerRow(**vars(row), **error) for row in rows["pq64"])),
        E4: GroundTruth(sets=tuple(truths), asked=len(pairs), made=len(pairs), budget=50),
        E5: BinaryRetrieval(methods=tuple(rows["binary512"]), iso=iso),
        E6: QuantizedRetrieval(methods=tuple(rows["pq64"])),
    }
    found = {kind.id: Outcome(kind.id, kind.title, "w", own, kind().judge(own)) for kind, own in figures.items()}
    found |= {name: Outcome(name, "", "w", own, Band("green", [])) for name, own in (("x2", x2), ("x3", x3)) if own}
    geometry = predictions(0.4, 0.6)
    return Material(
        campaign="w",
        outcomes={name: own for name, own in found.items() if name not in without},
        switches=[f1(rows["binary512"]), f2(iso), f3(geometry), k1(10, done), k2(x3), k3(x2)],
        methods=[row for own in rows.values() for row in own],
    )


WORLDS = {
    "everything green": (world(), "GREEN"),
    "green, but nothing exploratory was run": (world(x2=None, x3=None), "undetermined"),
    "green, but no adapter was measured": (world(x3=None), "undetermined"),
    "green, geometry at the bar": (world(x2=X2Figures(0.3, 0.6)), "YELLOW"),
    "green, no adapter helps": (world(x3=NO_ADAPTER), "YELLOW"),
    "green, the share of the gap alone": (world(x3=X3Figures(1.0, 0.15)), "GREEN"),
    "yellow": (world(0.6, 0.9), "YELLOW"),
    "yellow without X2": (world(0.6, 0.9, x2=None), "undetermined"),
    "between the bands": (world(0.6, 0.99, x2=NO_GEOMETRY, x3=NO_ADAPTER), "YELLOW"),
    "F1, nothing exploratory": (world(0.4, x2=None, x3=None), "undetermined"),
    "F1, X2 and X3 both yellow": (world(0.4, x2=X2Figures(0.25, 0.4), x3=X3Figures(2.5, 0.12)), "undetermined"),
    "F1, only K2": (world(0.4, x2=GEOMETRY, x3=NO_ADAPTER), "undetermined"),
    "F1, only K3": (world(0.4, x2=NO_GEOMETRY, x3=ADAPTER), "undetermined"),
    "F1, K2 and no X2": (world(0.4, x2=None, x3=NO_ADAPTER), "undetermined"),
    "F1, R² low but ρ not": (world(0.4, x2=X2Figures(0.04, 0.2), x3=NO_ADAPTER), "undetermined"),
    "F1, K2 and K3": (world(0.4, x2=NO_GEOMETRY, x3=NO_ADAPTER), "RED-A"),
    "F1, K2 where PQ is not ahead": (world(0.4, x2=NO_GEOMETRY, x3=X3Figures(0.5, None)), "RED-A"),
    "all red": (world(0.2, 0.5, x2=NO_GEOMETRY, x3=NO_ADAPTER), "RED-B"),
    "E3 and E6 red beside a green E5": (world(0.8, 0.5), "RED-B"),
    "E6 red alone": (world(0.8, 0.65), "RED-B"),
    "E2 red": (world(code={"reproduced": False}), "RED-B"),
    "E4 red": (world(ground={"agreeing": 19}), "RED-B"),
    "K1": (world(done=7), "RED-B"),
    **{f"no {name}": (world(without=(name,)), "undetermined") for name in ("e2", "e3", "e4", "e5", "e6")},
    "F1, K2 and K3, but no E4": (world(0.4, x2=NO_GEOMETRY, x3=NO_ADAPTER, without=("e4",)), "undetermined"),
    "codes of one length": (world(lengths=(256,)), "undetermined"),
    "an untimed ground truth": (world(ground={"cpu_seconds": None}), "undetermined"),
    "a diagonal of two sets": (world(pairs=DIAGONAL), "undetermined"),
    "F1 on a diagonal": (world(0.4, x2=NO_GEOMETRY, x3=NO_ADAPTER, pairs=DIAGONAL), "undetermined"),
    "stand-ins for models": (world(counted=False), "undetermined"),
    "nothing": (Material("empty"), "undetermined"),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_verdict(name: str) -> None:
    given, expected = WORLDS[name]
    assert scenario(given.outcomes, given.switches).scenario == expected


def test_a_broken_baseline_is_said_first_and_asks_for_its_recheck() -> None:
    given, _ = WORLDS["E3 and E6 red beside a green E5"]
    text = document(given)
    assert "**Scenario: RED-B.** The PQ baseline is broken: E3 is red:" in text
    assert "a larger training sample, more rounds and another seed" in text.split("## ")[0]
    answers = questions(given.outcomes, given.switches)
    assert [answer.answer for answer in answers[1:3]] == ["not known", "not known"]
    assert competitive(given.outcomes, given.switches, answers) is None


def test_binary_is_called_not_competitive_only_from_evidence() -> None:
    sentence = "not competitive with PQ under realistic memory budgets"
    answers = {name: questions(given.outcomes, given.switches) for name, (given, _) in WORLDS.items()}
    said = {
        name
        for name, (given, _) in WORLDS.items()
        if competitive(given.outcomes, given.switches, answers[name]) is False
    }
    assert sentence in document(WORLDS["F1, only K2"][0])
    assert sentence not in document(WORLDS["F1, X2 and X3 both yellow"][0])
    assert said == {
        "F1, only K2",
        "F1, K2 and no X2",
        "F1, R² low but ρ not",
        "F1, K2 and K3",
        "F1, K2 where PQ is not ahead",
    }


def test_stopped_is_neither_negative_nor_not_run() -> None:
    given, _ = WORLDS["F1, nothing exploratory"]
    assert questions(given.outcomes, given.switches)[3].answer == "stopped"
    verdict = scenario(given.outcomes, given.switches)
    assert verdict.reasons[-1].endswith("K2 is not applicable, K3 is not applicable; X2 not run, X3 stopped by F1, F2")
    text = document(given)
    assert "* stopped by F1, F2: X1, X3\n" in text
    assert re.search(r"\* not run: .*X2", text)
    assert re.search(r"\| X3 \|.*\| stopped by F1, F2 \|", text)
