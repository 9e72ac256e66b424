"""Bands from made-up figures: each color, and what is missing for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from study.made_up import codes, iso_row, method_row, predictions, truth

from binbench.study.campaign import Budgets
from binbench.study.experiments.e1 import E1, EmbeddedSet, Embeddings
from binbench.study.experiments.e2 import E2, Sweep
from binbench.study.experiments.e3 import E3, QuantizerRow, Quantizers
from binbench.study.experiments.e4 import E4, CheckedSet, GroundTruth
from binbench.study.experiments.e5 import E5, BinaryRetrieval, is_one_bit
from binbench.study.experiments.e6 import E6, QuantizedRetrieval
from binbench.study.experiments.e7 import E7, Geometry
from binbench.study.experiments.e8 import E8
from binbench.study.rows import MethodRow, SetRow
from binbench.study.shapes import Relation, ShapedSet

#: Those of the study's plan.
BUDGETS = Budgets(embedding_green=20, embedding_yellow=30, embedding_red=35, ground_truth_green=50, study_cap=65)
PAIRS = [("a", "m"), ("a", "n"), ("b", "m"), ("b", "n"), ("c", "m"), ("c", "n")]


def made(tier: int, hours: float, device: str = "NVIDIA A100-SXM4") -> EmbeddedSet:
    return EmbeddedSet(
        set=f"s{tier}",
        dataset="a",
        encoder="m",
        tier=tier,
        counted=True,
        vectors=100,
        queries=10,
        dimension=8,
        bytes=1000,
        sha256_train="",
        sha256_test="",
        device=device,
        hours={device: hours},
        seconds_per_million=1.0,
        subset=False,
        revision="",
        weights_sha256="",
        split="",
        queries_in_train=0,
    )


def missing(tier: int) -> SetRow:
    return SetRow(set=f"m{tier}", dataset="a", encoder="m", tier=tier, counted=True)


def embeddings(rows: list[SetRow]) -> Embeddings:
    done = tuple(row for row in rows if isinstance(row, EmbeddedSet))
    return Embeddings(
        made=done,
        missing=tuple(row for row in rows if row not in done),
        reference_device="A100",
        budgets=BUDGETS,
    )


@pytest.mark.parametrize(
    ("rows", "color"),
    [
        ([made(1, 12), made(2, 8)], "green"),
        ([made(1, 12), made(2, 8.1)], "yellow"),
        ([made(1, 20), missing(2)], "yellow"),
        ([made(1, 1), missing(1)], "not applicable"),
        ([made(1, 31)], "not applicable"),
        ([made(1, 36)], "red"),
        ([made(1, 1, "cpu")], "not applicable"),
        ([made(1, 1), made(1, 1, "cpu")], "not applicable"),
        ([made(1, 1, "NVIDIA RTX A1000")], "not applicable"),
        ([], "not applicable"),
    ],
)
def test_e1(rows: list[SetRow], color: str) -> None:
    assert E1().judge(embeddings(rows)).color == color


def test_e1_prints_the_hours_of_any_device_by_its_name() -> None:
    found = E1().judge(embeddings([made(1, 1.5, "Tesla T4")]))
    assert "1.50 h on Tesla T4" in found.reasons[0]


@pytest.mark.parametrize(
    ("given", "color"),
    [
        ({}, "green"),
        ({"skewed": 0.01}, "yellow"),
        ({"skewed": 0.5, "discrimination": 0.8}, "yellow"),
        ({"skewed": 0.5, "discrimination": 0.79}, "not applicable"),
        ({"reproduced": False}, "red"),
        ({"self_distance": 1}, "red"),
        ({"colliding": 0.051}, "red"),
        ({"bytes_per_vector": 7}, "red"),
        ({"colliding": 0.051, "counted": False}, "green"),
        ({"reproduced": False, "counted": False}, "red"),
    ],
)
def test_e2(given: dict[str, Any], color: str) -> None:
    sound = [codes(dataset=d, encoder=e, set=d + e, bits=bits) for d, e in PAIRS[:4] for bits in (32, 64)]
    assert E2().judge(Sweep(codes=(*sound, codes(**given)), failures=())).color == color


def test_e2_failures_of_storage_are_red_and_nothing_is_not_applicable() -> None:
    assert E2().judge(Sweep(codes=(codes(),), failures=("s: binary64: failed: full",))).color == "red"
    assert E2().judge(Sweep(codes=(), failures=())).color == "not applicable"


@pytest.mark.parametrize(
    ("pairs", "lengths"), [(PAIRS[:1], (64,)), (PAIRS[:1], (32, 64)), (PAIRS, (64,)), (PAIRS[::3], (32, 64))]
)
def test_e2_needs_sweeps_on_a_block_of_sets(pairs: list[tuple[str, str]], lengths: tuple[int, ...]) -> None:
    swept = [codes(dataset=d, encoder=e, set=d + e, bits=bits) for d, e in pairs for bits in lengths]
    found = E2().judge(Sweep(codes=tuple(swept), failures=()))
    assert found.color == "not applicable"
    assert "sweeps of at least 2 lengths: needs 2 datasets × 2 embedding models" in found.reasons[0]


def quantizers(recalls: dict[str, tuple[float, float]]) -> tuple[MethodRow, ...]:
    """Per dataset, recall@10 of pq32 and pq64 for both encoders."""
    return tuple(
        method_row(dataset, encoder, method, recall)
        for dataset, pair in recalls.items()
        for encoder in ("m", "n")
        for method, recall in zip(("pq32", "pq64"), pair, strict=True)
    )


@pytest.mark.parametrize(
    ("recalls", "color"),
    [
        ({"a": (0.5, 0.8), "b": (0.5, 0.81), "c": (0.1, 0.2)}, "green"),
        ({"a": (0.5, 0.79), "b": (0.5, 0.71), "c": (0.1, 0.2)}, "yellow"),
        ({"a": (0.5, 0.59), "b": (0.5, 0.59)}, "red"),
        ({"a": (0.5, 0.69), "b": (0.5, 0.69), "c": (0.9, 0.9)}, "not applicable"),
        ({"a": (0.9, 0.9)}, "not applicable"),
    ],
)
def test_e3(recalls: dict[str, tuple[float, float]], color: str) -> None:
    rows = (QuantizerRow(**vars(row), quantization_error=0.1, error_sample=100) for row in quantizers(recalls))
    assert E3().judge(Quantizers(methods=tuple(rows))).color == color


@pytest.mark.parametrize(
    ("recalls", "color"),
    [
        ({"a": (0.5, 0.8), "b": (0.9, 0.5), "c": (0.1, 0.2)}, "green"),
        ({"a": (0.5, 0.69), "b": (0.69, 0.69)}, "red"),
        ({"a": (0.5, 0.9), "b": (0.5, 0.75)}, "not applicable"),
        ({"a": (0.9, 0.9)}, "not applicable"),
    ],
)
def test_e6(recalls: dict[str, tuple[float, float]], color: str) -> None:
    assert E6().judge(QuantizedRetrieval(methods=quantizers(recalls))).color == color


def test_e6_is_yellow_where_the_datasets_are_strong_but_most_sets_are_not() -> None:
    rows = [method_row(d, e, "pq64", r) for d in ("a", "b") for e, r in (("m", 0.99), ("n", 0.61))]
    rows += [method_row("c", e, "pq64", 0.1) for e in ("m", "n")]
    assert E6().judge(QuantizedRetrieval(methods=tuple(rows))).color == "yellow"


def test_e6_looks_at_tier_1_only() -> None:
    weak = quantizers({"a": (0.1, 0.2), "b": (0.1, 0.2)})
    strong = tuple(replace(row, tier=2) for row in quantizers({"c": (0.99, 0.99), "d": (0.99, 0.99)}))
    assert E6().judge(QuantizedRetrieval(methods=weak + strong)).color == "red"


@pytest.mark.parametrize(
    ("rows", "tier1", "color"),
    [
        ([truth()], (1, 1), "green"),
        ([truth(cpu_seconds=51 * 3600)], (1, 1), "red"),
        ([truth(agreeing=19)], (1, 1), "red"),
        # The full grid at 1,000 hours a set: complete and right, but too expensive.
        ([truth(dataset=d, encoder=e, cpu_seconds=1000 * 3600) for d, e in PAIRS], (6, 6), "red"),
        ([truth(), *(truth(dataset=d, encoder=e, cpu_seconds=None) for d, e in PAIRS[1:])], (6, 6), "not applicable"),
        ([truth(cpu="laptop")], (1, 1), "green"),
        ([truth(counted=False)], (1, 1), "not applicable"),
        ([truth()], (6, 1), "not applicable"),
        ([truth(dataset=d, encoder=e) for d, e in PAIRS], (7, 6), "yellow"),
    ],
)
def test_e4(rows: list[CheckedSet], tier1: tuple[int, int], color: str) -> None:
    asked, done = tier1
    figures = GroundTruth(sets=tuple(rows), asked=asked, made=done, budget=50)
    assert E4().judge(figures).color == color


def retrieval(recall: float, ratio: float, pairs: list[tuple[str, str]] = PAIRS) -> BinaryRetrieval:
    """Binary at 512 bits with that recall and that ratio to PQ; at 256 bits a little less."""
    rows = [method_row(d, e, f"binary{bits}", r) for d, e in pairs for bits, r in ((256, recall - 0.05), (512, recall))]
    iso = [iso_row(d, e, bits, ratio * 0.9, 0.9) for d, e in pairs for bits in (256, 512)]
    return BinaryRetrieval(methods=tuple(rows), iso=tuple(iso))


@pytest.mark.parametrize(
    ("recall", "ratio", "color"),
    [
        (0.65, 0.80, "green"),
        (0.65, 0.79, "yellow"),
        (0.60, 0.90, "yellow"),
        (0.60, 0.59, "not applicable"),
        (0.549, 0.7, "red"),
        (0.70, 0.49, "red"),
    ],
)
def test_e5(recall: float, ratio: float, color: str) -> None:
    assert E5().judge(retrieval(recall, ratio)).color == color


def test_e5_needs_two_datasets_and_two_encoders() -> None:
    for pairs in (PAIRS[:1], PAIRS[:2], [PAIRS[0], PAIRS[2]], [PAIRS[0], PAIRS[3]], [*PAIRS[::3], ("c", "o")]):
        found = E5().judge(retrieval(0.9, 0.9, pairs))
        assert found.color == "not applicable"
        assert "needs 2 datasets × 2 embedding models" in found.reasons[0]


def test_e5_green_needs_the_recall_on_two_datasets_and_encoders() -> None:
    rows = [method_row(d, e, f"binary{bits}", 0.9 if d == "a" else 0.60) for d, e in PAIRS for bits in (256, 512)]
    assert E5().judge(replace(retrieval(0.60, 0.9), methods=tuple(rows))).color == "yellow"


@pytest.mark.parametrize(
    ("family", "expected"),
    [("binary", True), ("binary-asym", True), ("sign-median", True), ("rabitq", True), ("pq", False), ("int4", False)],
)
def test_one_bit_families(family: str, expected: bool) -> None:
    assert is_one_bit(family) == expected


def shaped(
    anisotropies: list[float],
    strongest: str | None = "isoscore",
    p: float = 0.01,
    instability: float = 0.01,
    least: float = 0.01,
) -> Geometry:
    rows = [
        ShapedSet(
            set=f"s{i}",
            dataset="a",
            encoder="m",
            tier=1,
            counted=True,
            sample=100,
            diagnostics={"anisotropy": a},
            instability=instability,
            spectrum=(),
            prevalence=(),
            cosines=(),
            recall=0.5,
        )
        for i, a in enumerate(anisotropies)
    ]
    rho = {"isoscore": 0.9} if strongest else {}
    found = Relation(n=len(rows), strongest=strongest, p_value=p, rho=rho, least_p=least)
    return Geometry(sets=tuple(rows), method="binary256", relation=found)


@pytest.mark.parametrize(
    ("figures", "color"),
    [
        (shaped([1, 2, 1, 1]), "green"),
        (shaped([1, 1.9, 1, 1]), "yellow"),
        (shaped([1, 2, 1, 1], p=0.05), "yellow"),
        (shaped([1, 1.05, 1, 1]), "red"),
        (shaped([1, 2, 1, 1], instability=0.2), "red"),
        (shaped([1, 2, 1, 1], least=0.05), "not applicable"),
        (shaped([1, 2, 1, 1], strongest=None), "not applicable"),
        (shaped([1]), "not applicable"),
    ],
)
def test_e7(figures: Geometry, color: str) -> None:
    assert E7().judge(figures).color == color


@pytest.mark.parametrize(
    ("r2", "rho", "color"),
    [
        (0.31, 0.51, "green"),
        (0.31, 0.5, "not applicable"),
        (0.2, 0.9, "yellow"),
        (0.05, 0.2, "red"),
        (0.05, 0.4, "not applicable"),
        (None, None, "not applicable"),
    ],
)
def test_e8(r2: float | None, rho: float | None, color: str) -> None:
    found = E8().judge(predictions(r2, rho))
    assert found.color == color
    if r2 is not None:
        assert "n = 24 rows of 6 sets" in " ".join(found.reasons)
        assert "leave-one-model-out" in " ".join(found.reasons)
