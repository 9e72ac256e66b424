"""Figures made up to lie where a test wants them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from binbench.study.experiments.e2 import SweptCodes
from binbench.study.experiments.e4 import CheckedSet
from binbench.study.prediction import (
    ADDED,
    ALONE,
    BOTH,
    DECISIVE,
    MODELS_OUT,
    ROWS_OUT,
    SETS_OUT,
    Fit,
    Predictions,
)
from binbench.study.rows import Estimate, MethodRow, Pair

MEASURES = ("ndcg@10", "overlap@10", "qrels_recall@10", "qrels_recall@100", "map@10")


def method_row(dataset: str, encoder: str, method: str, recall: float, **given: Any) -> MethodRow:
    """A row as :func:`binbench.study.methods.method_rows` makes them; `means` are added to those of `recall`."""
    size = float("".join(c for c in method if c.isdigit()) or 0)
    means = {f"recall@{k}": recall for k in (1, 5, 10, 50, 100)} | dict.fromkeys(MEASURES, recall)
    return replace(
        MethodRow(
            set=f"{dataset}-{encoder}",
            dataset=dataset,
            encoder=encoder,
            tier=1,
            counted=True,
            method=method,
            instance=method,
            family=method.rstrip("0123456789"),
            seeds=1,
            documents=1000,
            bytes_per_vector=size / 8 if method.startswith("binary") else size,
            shared_bytes=0,
            index_bytes=1000,
            means=means | {"ndcg@10": 0.6 * recall} | given.pop("means", {}),
            intervals={
                "recall@10": Estimate(recall, recall - 0.02, recall + 0.02),
                "ndcg@10": None,
                "overlap@10": None,
            },
            retention=recall,
            queries_per_second=1000.0,
            mode="batch",
            threads=1,
            train_seconds=1.0,
            build_seconds=2.0,
            training_rows=1000,
            notes=(),
            machine="CPU, 2 cores",
        ),
        **given,
    )


def iso_row(dataset: str, encoder: str, bits: int, binary: float, pq: float, width: float = 0.02) -> Pair:
    """A row as :func:`binbench.study.methods.pairs` makes them."""
    ratio = binary / pq
    return Pair(
        set=f"{dataset}-{encoder}",
        dataset=dataset,
        encoder=encoder,
        tier=1,
        counted=True,
        bits=bits,
        bytes=bits // 8,
        binary=binary,
        pq=pq,
        ratio=Estimate(ratio, ratio - width, ratio + width),
        difference=Estimate(binary - pq, binary - pq - width, binary - pq + width),
        p_value=0.01,
        ndcg_ratio=None,
        speed_ratio=2.0,
    )


def codes(**given: Any) -> SweptCodes:
    """Sound codes, but for what is `given`."""
    sound = SweptCodes(
        set="s",
        dataset="a",
        encoder="m",
        tier=1,
        counted=True,
        bits=64,
        sha256="",
        reproduced=True,
        self_distance=0,
        prevalence=(0.5,) * 64,
        skewed=0.0,
        colliding=0.0,
        same_vectors=0.0,
        distance_mean=32.0,
        distance_sd=4.0,
        histogram=(1.0,),
        discrimination=0.95,
        bytes_per_vector=8,
        queries_per_second=1000.0,
        encode_rows_per_second=1000.0,
        machine="CPU, 2 cores",
    )
    return replace(sound, **given)


def truth(**given: Any) -> CheckedSet:
    """An hour of ground truth, but for what is `given`."""
    sound = CheckedSet(
        set="s",
        dataset="a",
        encoder="m",
        tier=1,
        counted=True,
        checked=20,
        agreeing=20,
        worst=0.0,
        documents=1000,
        queries=50,
        dimension=384,
        k=100,
        flops=1,
        cpu_seconds=3600.0,
        cpu="CPU",
    )
    return replace(sound, **given)


def predictions(r2: float | None, rho: float | None, alone: float = 0.9, **given: Any) -> Predictions:
    """What E8 finds where geometry adds so much; `alone` is R² with the number of bits alone."""

    def fit(features: str, folds: str, value: float | None) -> Fit:
        scores = {"r2": value, "rmse": 0.1, "rho": rho}
        limits = {name: None if score is None else Estimate(score, 0.0, 1.0) for name, score in scores.items()}
        return Fit(model="ridge", features=features, folds=folds, n=24, p_value=0.04, **limits)

    fits = [fit(features, SETS_OUT, r2) for features in DECISIVE]
    fits += [fit(ADDED, MODELS_OUT, r2), fit(ALONE, SETS_OUT, alone), fit(BOTH, ROWS_OUT, alone)]
    return replace(Predictions(rows=24, sets=6, encoders=2, fits=tuple(fits)), **given)
