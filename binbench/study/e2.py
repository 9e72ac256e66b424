"""E2: what binarization makes of the documents: balance, collisions, distances, reproducibility."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.codes import hamming
from binbench.codes.binarize import encode
from binbench.codes.packing import Words, unpack
from binbench.codes.projections import projection
from binbench.study import plots as draw
from binbench.study.experiment import Band, Figures, Plot, Table, number, table
from binbench.study.recode import digest, digests_elsewhere
from binbench.study.study import Study, StudySet

TITLE = "Binarization sweep: balance, collisions, distances, reproducibility"

SCHEMA = 1
SELF_SAMPLE = 1000
DISTANCE_PAIRS = 100_000
QUERIES = 200
HISTOGRAM_BINS = 64
#: A bit set in more than this share of rows, or in less than the rest, is skewed.
SKEWED = 0.6
#: Rows that share their code with another vector: more than this share is frequent.
FREQUENT = 0.05
#: P(a true neighbour is nearer in Hamming distance than a random document), the area under the ROC curve, from which
#: distances discriminate: "excellent" in Hosmer and Lemeshow's grading (Applied Logistic Regression, 2000).
DISCRIMINATIVE = 0.8

_BLOCK = 65536


def figures(study: Study) -> Figures:
    """One row per set and number of bits of the `binary` methods that were run, and failures to store results."""
    rows = []
    for entry in study.sets:
        bits = sorted(int(name[6:]) for name in entry.results if re.fullmatch(r"binary\d+", name))
        if not bits or entry.vectors.distance != "angular":
            continue
        seed = entry.results[f"binary{bits[0]}"][0].stored_seed
        key = {"set": entry.vectors.fingerprint, "bits": bits, "seed": seed, "schema": SCHEMA}
        found = study.cached("e2", key, partial(sweep, entry, bits, seed))
        rows += [entry.labels() | row | _stored(entry, row["bits"]) for row in found]
    failures = [
        f"{entry.name}: {trouble}"
        for entry in study.sets
        for trouble in entry.troubles
        if trouble.startswith("binary") and "skipped" not in trouble and "missing" not in trouble
    ]
    return {"codes": rows, "failures": failures}


def _stored(entry: StudySet, bits: int) -> dict[str, Any]:
    """What the results say of storage and speed."""
    result = entry.results[f"binary{bits}"][0]
    return {
        "bytes_per_vector": result.sizes.codes_bytes_per_vector if result.sizes else None,
        "index_bytes": result.index_bytes,
        "queries_per_second": result.queries_per_second,
        "encode_rows_per_second": (result.documents or 0) / max(result.facts.encode_seconds or np.nan, 1e-9),
    }


def sweep(entry: StudySet, bits: list[int], seed: int) -> list[dict[str, Any]]:
    """The figures of the codes themselves, and whether a second process computes the same ones."""
    elsewhere = digests_elsewhere(entry.vectors.path, bits, seed)
    return [_codes(entry, count, seed, elsewhere.get(str(count), "")) for count in bits]


def _codes(entry: StudySet, bits: int, seed: int, elsewhere: str) -> dict[str, Any]:
    train, rng = entry.vectors.train, Generator(PCG64(seed))
    project = projection("gaussian", train.shape[1], bits, seed)
    codes = encode(train, project)
    again = np.sort(rng.choice(len(train), min(SELF_SAMPLE, len(train)), replace=False))
    shares = prevalence(codes, bits)
    random_distances = pair_distances(codes, rng)
    return {
        "bits": bits,
        "seed": seed,
        "documents": len(train),
        "sha256": digest(codes),
        "reproduced": digest(codes) == elsewhere,
        "self_distance": int(np.bitwise_count(codes[again] ^ encode(train[again], project)).sum(axis=1).max()),
        "self_sample": len(again),
        "prevalence": shares.tolist(),
        "skewed": float(((shares > SKEWED) | (shares < 1 - SKEWED)).mean()),
        "colliding": colliding(codes, train),
        "same_vectors": float(duplicated(np.ascontiguousarray(train)).mean()),
        "distance_mean": float(random_distances.mean()) if len(random_distances) else None,
        "distance_sd": float(random_distances.std()) if len(random_distances) else None,
        "histogram": histogram(random_distances, bits),
        "binomial": binomial(bits),
        "discrimination": _discrimination(entry, codes, project, rng),
    }


def prevalence(codes: Words, bits: int) -> NDArray[np.float64]:
    """(bits,) the share of rows in which each bit is set."""
    total = np.zeros(bits)
    for start in range(0, len(codes), _BLOCK):
        total += unpack(codes[start : start + _BLOCK], bits).sum(axis=0, dtype=np.int64)
    return total / len(codes)


def duplicated(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """(N,) whether another row of the contiguous 2-D `rows` is equal byte for byte."""
    _, inverse, counts = np.unique(_as_keys(rows), return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def colliding(codes: Words, vectors: NDArray[np.float32]) -> float:
    """The share of rows whose code is also that of a different vector."""
    order = np.argsort(_as_keys(codes), kind="stable")
    suspects = order[duplicated(codes)[order]]
    if not len(suspects):
        return 0.0
    _, group = np.unique(_as_keys(codes[suspects]), return_inverse=True)
    _, vector = np.unique(_as_keys(np.ascontiguousarray(vectors[suspects])), return_inverse=True)
    pairs = np.unique(np.stack([group, vector], axis=1), axis=0)
    different = np.bincount(pairs[:, 0]) > 1
    return float(different[group].sum() / len(codes))


def _as_keys(rows: NDArray[Any]) -> NDArray[Any]:
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()


def pair_distances(codes: Words, rng: Generator, pairs: int = DISTANCE_PAIRS) -> NDArray[np.int64]:
    """Hamming distances of random pairs of different rows."""
    if len(codes) < 2:
        return np.empty(0, np.int64)
    left = rng.integers(len(codes), size=pairs)
    right = (left + rng.integers(1, len(codes), size=pairs)) % len(codes)
    return np.bitwise_count(codes[left] ^ codes[right]).sum(axis=1, dtype=np.int64)


def histogram(distances: NDArray[np.int64], bits: int) -> list[float]:
    """The share of `distances` in each of at most 64 equal classes of 0 … `bits`."""
    classes = _classes(bits)
    counts = np.bincount(classes[distances], minlength=classes[-1] + 1)
    return (counts / max(1, counts.sum())).tolist()


def binomial(bits: int) -> list[float]:
    """The same classes for fair, independent bits."""
    from scipy.stats import binom

    return np.bincount(_classes(bits), binom.pmf(np.arange(bits + 1), bits, 0.5)).tolist()


def _classes(bits: int) -> NDArray[np.int64]:
    return np.minimum(np.arange(bits + 1) * HISTOGRAM_BINS // bits, HISTOGRAM_BINS - 1)


def _discrimination(entry: StudySet, codes: Words, project: Any, rng: Generator) -> float:
    """P(a query's true top-10 document is nearer than a random one by Hamming distance), ties counting half."""
    test, bits = entry.vectors.test, project.bits
    chosen = np.sort(rng.choice(len(test), min(QUERIES, len(test)), replace=False))
    asked = encode(test[chosen], project)
    true = codes[entry.vectors.neighbors[chosen, :10]]
    others = codes[rng.integers(len(codes), size=min(1000, len(codes)))]
    near = np.bitwise_count(true ^ asked[:, None]).sum(axis=2, dtype=np.int64)
    far = np.sort(hamming.distances(asked, others, bits), axis=1)
    wins = [
        (len(row) - np.searchsorted(row, own, "right") + (len(row) - np.searchsorted(row, own, "left"))) / 2 / len(row)
        for row, own in zip(far, near, strict=True)
    ]
    return float(np.mean(wins))


def band(figures: Figures) -> Band:
    """Green: exact, reproducible, balanced. Yellow: skewed bits that still discriminate. Red: broken."""
    rows = figures["codes"]
    if not rows:
        return Band("not applicable", ["no binary codes of angular sets"])
    faults = [f"stored results failed: {'; '.join(figures['failures'])}"] if figures["failures"] else []
    for wrong, text in (
        ([row for row in rows if not row["reproduced"]], "irreproducible in a second process"),
        ([row for row in rows if row["self_distance"]], "self-distance is not 0"),
        ([row for row in rows if row["bytes_per_vector"] * 8 < row["bits"]], "fewer bytes stored than bits"),
        ([row for row in rows if row["colliding"] > FREQUENT], f"more than {FREQUENT:.0%} of rows collide"),
    ):
        if wrong:
            faults.append(f"{text}: {', '.join(_name(row) for row in wrong)}")
    if faults:
        return Band("red", faults)
    worst = max(rows, key=lambda row: row["skewed"])
    blur = min(rows, key=lambda row: row["discrimination"])
    most = max(rows, key=lambda row: row["colliding"])
    sound = [
        (
            f"{len(rows)} sweeps reproduced in a second process, self-distance 0, "
            f"at most {most['colliding']:.2%} of rows collide ({_name(most)})"
        ),
        (
            f"bits set in more than {SKEWED:.0%} or less than {1 - SKEWED:.0%} of rows: "
            f"at most {worst['skewed']:.0%} ({_name(worst)})"
        ),
        f"discrimination of true neighbours at least {blur['discrimination']:.3f} ({_name(blur)})",
    ]
    if worst["skewed"] == 0:
        return Band("green", sound)
    if blur["discrimination"] >= DISCRIMINATIVE:
        return Band("yellow", sound)
    return Band("not applicable", [*sound, f"skewed bits and distances below {DISCRIMINATIVE}: no band is defined"])


def _name(row: dict[str, Any]) -> str:
    return f"{row['set']} at {row['bits']} bits"


def tables(figures: Figures) -> list[Table]:
    """One row per set and number of bits."""
    columns = (
        "set",
        "bits",
        "bytes",
        "reproduced",
        "self-distance",
        "skewed bits",
        "prevalence min … max",
        "colliding rows",
        "duplicate vectors",
        "distance mean ± SD (bits)",
        "discrimination",
        "encoded rows/s",
        "queries/s",
    )
    return [
        table(
            "Codes of `binary` (seeded Gaussian projections, thresholds at zero)",
            columns,
            [
                [
                    row["set"],
                    str(row["bits"]),
                    f"{row['bytes_per_vector']:g}",
                    "yes" if row["reproduced"] else "no",
                    str(row["self_distance"]),
                    f"{row['skewed']:.0%}",
                    f"{min(row['prevalence']):.2f} … {max(row['prevalence']):.2f}",
                    f"{row['colliding']:.2%}",
                    f"{row['same_vectors']:.2%}",
                    f"{number(row['distance_mean'], '.1f')} ± {number(row['distance_sd'], '.1f')}",
                    f"{row['discrimination']:.3f}",
                    number(row["encode_rows_per_second"], ",.0f"),
                    number(row["queries_per_second"], ",.0f"),
                ]
                for row in figures["codes"]
            ],
        )
    ]


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Per-bit prevalence, and distances against the binomial, at one number of bits."""
    rows = figures["codes"]
    if not rows:
        return []
    bits = 256 if any(row["bits"] == 256 for row in rows) else max(row["bits"] for row in rows)
    shown = [row for row in rows if row["bits"] == bits]
    balance = {row["set"]: (np.linspace(0, 1, bits).tolist(), sorted(row["prevalence"])) for row in shown}
    fair = "fair bits (binomial)"
    centres = ((np.arange(len(shown[0]["histogram"])) + 0.5) / len(shown[0]["histogram"])).tolist()
    spread = {row["set"]: (centres, row["histogram"]) for row in shown} | {fair: (centres, shown[0]["binomial"])}
    return [
        draw.curves(
            folder / "e2-prevalence.png",
            balance,
            ("bits, sorted by prevalence (share)", "share of documents with the bit set"),
            f"Prevalence of each of {bits} bits, sorted: level at ½ for balanced bits.",
            markers=False,
            unit_y=True,
        ),
        draw.curves(
            folder / "e2-distances.png",
            spread,
            (f"Hamming distance / {bits}", "share of random pairs"),
            f"Hamming distances of random document pairs at {bits} bits, beside those of fair, independent bits.",
            markers=False,
            dashed=[fair],
        ),
    ]
