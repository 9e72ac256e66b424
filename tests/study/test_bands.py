"""Bands from made-up figures: each colour, and what is missing for one."""

from __future__ import annotations

from typing import Any

import pytest
from study.made_up import iso_row, method_row

from binbench.study import e1, e2, e3, e4, e5, e6, e7, e8
from binbench.study.campaign import Budgets

#: The defaults.
_BUDGETS = Budgets().model_dump()
PAIRS = [("a", "m"), ("a", "n"), ("b", "m"), ("b", "n"), ("c", "m"), ("c", "n")]


def made(tier: int, hours: float, device: str = "NVIDIA A100-SXM4", made: bool = True) -> dict[str, Any]:
    return {"set": f"s{tier}", "tier": tier, "made": made, "hours": hours, "device": device}


@pytest.mark.parametrize(
    ("rows", "colour"),
    [
        ([made(1, 12), made(2, 8)], "green"),
        ([made(1, 12), made(2, 8.1)], "yellow"),
        ([made(1, 20), made(2, 0, made=False)], "yellow"),
        ([made(1, 1), made(1, 1, made=False)], "not applicable"),
        ([made(1, 31)], "not applicable"),
        ([made(1, 36)], "red"),
        ([made(1, 1, "cpu")], "not applicable"),
        ([made(1, 1), made(1, 1, "cpu")], "not applicable"),
        ([], "not applicable"),
    ],
)
def test_e1(rows: list[dict[str, Any]], colour: str) -> None:
    found = e1.band({"sets": rows, "reference_device": "A100", "budgets": _BUDGETS})
    assert found.colour == colour


def test_e1_prints_the_hours_of_any_device_by_its_name() -> None:
    found = e1.band({"sets": [made(1, 1.5, "Tesla T4")], "reference_device": "A100", "budgets": _BUDGETS})
    assert "1.50 h on Tesla T4" in found.reasons[0]


def codes(**given: Any) -> dict[str, Any]:
    sound = {
        "set": "s",
        "bits": 64,
        "reproduced": True,
        "self_distance": 0,
        "bytes_per_vector": 8,
        "colliding": 0.0,
        "skewed": 0.0,
        "discrimination": 0.95,
    }
    return sound | given


@pytest.mark.parametrize(
    ("given", "colour"),
    [
        ({}, "green"),
        ({"skewed": 0.01}, "yellow"),
        ({"skewed": 0.5, "discrimination": 0.8}, "yellow"),
        ({"skewed": 0.5, "discrimination": 0.79}, "not applicable"),
        ({"reproduced": False}, "red"),
        ({"self_distance": 1}, "red"),
        ({"colliding": 0.051}, "red"),
        ({"bytes_per_vector": 7}, "red"),
    ],
)
def test_e2(given: dict[str, Any], colour: str) -> None:
    assert e2.band({"codes": [codes(), codes(**given)], "failures": []}).colour == colour


def test_e2_failures_of_storage_are_red_and_nothing_is_not_applicable() -> None:
    assert e2.band({"codes": [codes()], "failures": ["s: binary64: failed: full"]}).colour == "red"
    assert e2.band({"codes": [], "failures": []}).colour == "not applicable"


def quantizers(recalls: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Per dataset, recall@10 of pq32 and pq64 for both encoders."""
    return {
        "methods": [
            method_row(dataset, encoder, method, recall)
            for dataset, pair in recalls.items()
            for encoder in ("m", "n")
            for method, recall in zip(("pq32", "pq64"), pair, strict=True)
        ]
    }


@pytest.mark.parametrize(
    ("recalls", "colour"),
    [
        ({"a": (0.5, 0.8), "b": (0.5, 0.81), "c": (0.1, 0.2)}, "green"),
        ({"a": (0.5, 0.79), "b": (0.5, 0.71), "c": (0.1, 0.2)}, "yellow"),
        ({"a": (0.5, 0.59), "b": (0.5, 0.59)}, "red"),
        ({"a": (0.5, 0.69), "b": (0.5, 0.69), "c": (0.9, 0.9)}, "not applicable"),
        ({"a": (0.9, 0.9)}, "not applicable"),
    ],
)
def test_e3(recalls: dict[str, tuple[float, float]], colour: str) -> None:
    assert e3.band(quantizers(recalls)).colour == colour


@pytest.mark.parametrize(
    ("recalls", "colour"),
    [
        ({"a": (0.5, 0.8), "b": (0.9, 0.5), "c": (0.1, 0.2)}, "green"),
        ({"a": (0.5, 0.69), "b": (0.69, 0.69)}, "red"),
        ({"a": (0.5, 0.9), "b": (0.5, 0.75)}, "not applicable"),
        ({"a": (0.9, 0.9)}, "not applicable"),
    ],
)
def test_e6(recalls: dict[str, tuple[float, float]], colour: str) -> None:
    assert e6.band(quantizers(recalls)).colour == colour


def test_e6_is_yellow_where_the_datasets_are_strong_but_most_sets_are_not() -> None:
    rows = [method_row(d, e, "pq64", r) for d in ("a", "b") for e, r in (("m", 0.99), ("n", 0.61))]
    assert e6.band({"methods": rows + [method_row("c", e, "pq64", 0.1) for e in ("m", "n")]}).colour == "yellow"


def test_e6_looks_at_tier_1_only() -> None:
    weak = quantizers({"a": (0.1, 0.2), "b": (0.1, 0.2)})["methods"]
    strong = [row | {"tier": 2, "recall@10": 0.99} for row in quantizers({"c": (0, 0), "d": (0, 0)})["methods"]]
    assert e6.band({"methods": weak + strong}).colour == "red"


def truth(**given: Any) -> dict[str, Any]:
    row = {"set": "s", "dataset": "a", "encoder": "m", "checked": 20, "agreeing": 20, "cpu_seconds": 3600.0}
    return row | {"cpu": "CPU", "device": "NVIDIA A100"} | given


@pytest.mark.parametrize(
    ("rows", "tier1", "colour"),
    [
        ([truth()], (1, 1), "green"),
        ([truth(cpu_seconds=51 * 3600)], (1, 1), "red"),
        ([truth(agreeing=19)], (1, 1), "red"),
        ([truth(agreeing=19, device="cpu")], (1, 1), "red"),
        ([truth(device="cpu")], (1, 1), "not applicable"),
        ([truth()], (6, 1), "not applicable"),
        ([truth(dataset=d, encoder=e) for d, e in PAIRS], (7, 6), "yellow"),
    ],
)
def test_e4(rows: list[dict[str, Any]], tier1: tuple[int, int], colour: str) -> None:
    figures = {"sets": rows, "tier1": dict(zip(("asked", "made"), tier1, strict=True)), "reference_device": "A100"}
    assert e4.band(figures | {"budgets": _BUDGETS}).colour == colour


def retrieval(recall: float, ratio: float, pairs: list[tuple[str, str]] = PAIRS) -> dict[str, Any]:
    """Binary at 512 bits with that recall and that ratio to PQ; at 256 bits a little less."""
    rows = [method_row(d, e, f"binary{bits}", r) for d, e in pairs for bits, r in ((256, recall - 0.05), (512, recall))]
    iso = [iso_row(d, e, bits, ratio * 0.9, 0.9) for d, e in pairs for bits in (256, 512)]
    return {"methods": rows, "iso": iso}


@pytest.mark.parametrize(
    ("recall", "ratio", "colour"),
    [
        (0.65, 0.80, "green"),
        (0.65, 0.79, "yellow"),
        (0.60, 0.90, "yellow"),
        (0.60, 0.59, "not applicable"),
        (0.549, 0.7, "red"),
        (0.70, 0.49, "red"),
    ],
)
def test_e5(recall: float, ratio: float, colour: str) -> None:
    assert e5.band(retrieval(recall, ratio)).colour == colour


def test_e5_needs_two_datasets_and_two_encoders() -> None:
    for pairs in (PAIRS[:1], PAIRS[:2], [PAIRS[0], PAIRS[2]]):
        found = e5.band(retrieval(0.9, 0.9, pairs))
        assert found.colour == "not applicable"
        assert "needs at least 2 datasets and 2 encoders" in found.reasons[0]


def test_e5_green_needs_the_recall_on_two_datasets_and_encoders() -> None:
    figures = retrieval(0.60, 0.9)
    for row in figures["methods"]:
        row["recall@10"] = 0.9 if row["dataset"] == "a" else 0.60
    assert e5.band(figures).colour == "yellow"


@pytest.mark.parametrize(
    ("family", "is_one_bit"),
    [("binary", True), ("binary-asym", True), ("sign-median", True), ("rabitq", True), ("pq", False), ("int4", False)],
)
def test_one_bit_families(family: str, is_one_bit: bool) -> None:
    assert e5.is_one_bit(family) == is_one_bit


def shaped(anisotropies: list[float], strongest: str | None = "isoscore", p: float = 0.01, **given: Any) -> Any:
    rows = [
        {"set": f"s{i}", "diagnostics": {"anisotropy": a}, "instability": 0.01} | given
        for i, a in enumerate(anisotropies)
    ]
    found = {"n": len(rows), "strongest": strongest, "p_value": p, "rho": {"isoscore": 0.9} if strongest else {}}
    return {"sets": rows, "method": "binary256", "relation": found}


@pytest.mark.parametrize(
    ("figures", "colour"),
    [
        (shaped([1, 2, 1, 1]), "green"),
        (shaped([1, 1.9, 1, 1]), "yellow"),
        (shaped([1, 2, 1, 1], p=0.05), "yellow"),
        (shaped([1, 1.05, 1, 1]), "red"),
        (shaped([1, 2, 1, 1], instability=0.2), "red"),
        (shaped([1, 2, 1]), "not applicable"),
        (shaped([1, 2, 1, 1], strongest=None), "not applicable"),
        (shaped([1]), "not applicable"),
    ],
)
def test_e7(figures: dict[str, Any], colour: str) -> None:
    assert e7.band(figures).colour == colour


def regression_figures(r2: float | None, rho: float | None) -> dict[str, Any]:
    ends = {"r2_ci": [0.0, 1.0], "rho_ci": [0.0, 1.0], "rmse": 0.1, "rmse_ci": [0.0, 0.2], "n": 24, "model": "ridge"}
    fits = [
        {"folds": folds, "features": features, "r2": r2, "rho": rho} | ends
        for folds in e8.FOLDS
        for features in ("geometry + bits", "bits alone")
    ]
    return {"rows": 24, "sets": 6, "encoders": 2, "fits": fits, "decisive": fits[0], "why_not": "", "points": []}


@pytest.mark.parametrize(
    ("r2", "rho", "colour"),
    [
        (0.31, 0.51, "green"),
        (0.31, 0.5, "not applicable"),
        (0.2, 0.9, "yellow"),
        (0.05, 0.2, "red"),
        (0.05, 0.4, "not applicable"),
        (None, None, "not applicable"),
    ],
)
def test_e8(r2: float | None, rho: float | None, colour: str) -> None:
    found = e8.band(regression_figures(r2, rho))
    assert found.colour == colour
    if r2 is not None:
        assert "n = 24 rows of 6 sets" in " ".join(found.reasons)
        assert "models left out one at a time" in " ".join(found.reasons)
