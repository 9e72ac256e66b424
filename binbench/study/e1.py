"""E1: the embeddings, what they are and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from binbench.study import plots as draw
from binbench.study.experiment import Band, Figures, Plot, Table, number, table
from binbench.study.study import Study, StudySet

TITLE = "Embeddings: vectors, checksums, hours"


def figures(study: Study) -> Figures:
    """One row per pair of the campaign, those that are not made included."""
    return {
        "sets": [_row(entry) for entry in study.asked],
        "reference_device": study.campaign.resolved["reference_device"],
        "budgets": study.campaign.budgets,
    }


def _row(entry: StudySet) -> dict[str, Any]:
    if entry.embeddings is None:
        return entry.labels() | {"made": False}
    found = entry.embeddings.attributes
    seconds = found.get("encode_seconds")
    vectors = len(entry.embeddings.train)
    provenance = found["provenance"]
    return entry.labels() | {
        "made": True,
        "vectors": vectors,
        "queries": len(entry.embeddings.test),
        "dimension": entry.embeddings.train.shape[1],
        "bytes": entry.embeddings.path.stat().st_size,
        "sha256_train": found.get("sha256_train", ""),
        "sha256_test": found.get("sha256_test", ""),
        "device": found.get("device_name", ""),
        "hours": None if seconds is None else (seconds + found.get("query_encode_seconds", 0.0)) / 3600,
        "seconds_per_million": None if not seconds else seconds / vectors * 1e6,
        "subset": bool(provenance.get("subset")),
        "revision": found.get("encoder_revision", ""),
        "weights_sha256": found.get("weights_sha256", ""),
        "split": found.get("split", ""),
        "queries_in_train": found.get("queries_in_train", 0),
    }


def band(figures: Figures) -> Band:
    """Tiers 1 and 2 cached within the budget of hours, on the reference device only."""
    made = [row for row in figures["sets"] if row["made"]]
    hours = hours_by_device(made)
    spent = ", ".join(f"{value:.2f} h on {device}" for device, value in hours.items()) or "no hours recorded"
    tiers = {tier: [row["made"] for row in figures["sets"] if row["tier"] == tier] for tier in (1, 2)}
    there = "; ".join(f"tier {tier}: {sum(rows)} of {len(rows)} sets" for tier, rows in tiers.items() if rows)
    reference = figures["reference_device"]
    if not hours or any(reference not in device for device in hours):
        return Band("not applicable", [f"{spent}; the budget is that of the reference device ({reference})", there])
    total, budgets = sum(hours.values()), figures["budgets"]
    if total > budgets["embedding_red"]:
        return Band("red", [f"{spent}, more than {budgets['embedding_red']} h", there])
    if all(tiers[1]) and tiers[1] and all(tiers[2]) and total <= budgets["embedding_green"]:
        return Band("green", [f"{spent}, at most {budgets['embedding_green']} h", there])
    if all(tiers[1]) and tiers[1] and total <= budgets["embedding_yellow"]:
        return Band("yellow", [f"{spent}, at most {budgets['embedding_yellow']} h", there])
    return Band("not applicable", [f"{spent}: no band is defined for this", there])


def hours_by_device(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Hours of embedding, per device."""
    hours: dict[str, float] = {}
    for row in rows:
        if row.get("hours") is not None:
            hours[row["device"]] = hours.get(row["device"], 0.0) + row["hours"]
    return hours


def tables(figures: Figures) -> list[Table]:
    """The sets, and their checksums."""
    made = [row for row in figures["sets"] if row["made"]]
    missing = [row["set"] for row in figures["sets"] if not row["made"]]
    columns = ("set", "tier", "vectors", "queries", "dimension", "MB", "device", "hours", "s per million", "corpus")
    found = [
        table(
            "Embedding sets",
            columns,
            [
                [
                    row["set"],
                    str(row["tier"]),
                    f"{row['vectors']:,}",
                    f"{row['queries']:,}",
                    str(row["dimension"]),
                    f"{row['bytes'] / 1e6:.1f}",
                    row["device"],
                    number(row["hours"], ".3f"),
                    number(row["seconds_per_million"], ",.0f"),
                    "subset" if row["subset"] else "full",
                ]
                for row in made
            ],
        ),
        table(
            "Checksums (sha256, first 16 digits)",
            ("set", "train", "test", "weights", "revision", "split"),
            [
                [
                    row["set"],
                    row["sha256_train"][:16],
                    row["sha256_test"][:16],
                    row["weights_sha256"][:16],
                    row["revision"][:12],
                    row["split"],
                ]
                for row in made
            ],
        ),
    ]
    if missing:
        found.append(table("Not made", ("set",), [[name] for name in missing]))
    return found


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Seconds per million vectors."""
    rows = [row for row in figures["sets"] if row["made"] and row["seconds_per_million"]]
    if not rows:
        return []
    return [
        draw.bars(
            folder / "e1-rate.png",
            [row["set"] for row in rows],
            {"": [row["seconds_per_million"] / 3600 for row in rows]},
            "hours per million documents",
            "Encoding time, extrapolated to a million documents of each collection; log scale.",
            log=True,
        )
    ]
