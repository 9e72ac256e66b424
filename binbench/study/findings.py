"""The first half of the report: verdict, bands, headline, research questions. Sentences hold for any outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from binbench.report.render import render
from binbench.study.execute import EXPLORATORY
from binbench.study.experiment import EXPERIMENTS, interval, number, table
from binbench.study.material import Material, image, sentence
from binbench.study.published import checked, comparison
from binbench.study.regimes import by_standing, choices, means
from binbench.study.retrieval import conditions, iso_table
from binbench.study.scenario import competitive, questions, scenario
from binbench.study.switches import RULES

QUESTION = (
    "Under what conditions, if any, are 1-bit embeddings a reasonable trade-off against product quantization and INT8 "
    "for modern text embeddings?"
)
#: The pairs that the bands were calibrated for.
GRID = {
    (dataset, encoder)
    for dataset in ("msmarco-500k", "nq-500k", "scifact")
    for encoder in ("all-MiniLM-L6-v2", "e5-base-v2")
} | {("msmarco-500k", "bge-large-en-v1.5"), ("scifact", "bge-large-en-v1.5")}


def summary(material: Material) -> list[str]:
    """The question, the scenario, and the five questions in order."""
    verdict = scenario(material.records, material.switches)
    answers = questions(material.records, material.switches)
    e5 = material.records.get("e5")
    present = sorted({(row["dataset"], row["encoder"]) for row in material.methods})
    calibrated = [pair for pair in present if pair in GRID]
    return [
        f"# Study `{material.campaign}`: does 1-bit retrieval hold up against PQ and INT8?",
        f"**Question.** {QUESTION}",
        f"**Scenario: {verdict.scenario}.** {sentence(verdict.reasons)}",
        f"This campaign has results on {len(present)} of the {len(material.asked)} (dataset, encoder) pairs it asks "
        "for. "
        f"The bands were calibrated for a grid of {len(GRID)} pairs, of which {len(calibrated)} are among them"
        + (f" ({_pairs(calibrated)})." if calibrated else "."),
        *_despite(material),
        "## Five questions",
        "\n".join(
            f"{i}. **{question.text}** {question.answer.capitalize()}: {question.numbers}."
            for i, question in enumerate(answers, 1)
        ),
        competitive(answers, e5.band if e5 else None),
    ]


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{dataset} × {encoder}" for dataset, encoder in pairs)


def _despite(material: Material) -> list[str]:
    overridden = material.log.get("despite") or []
    found = [f"**Run despite a kill-switch** (`--despite-kill-switch`): {'; '.join(overridden)}."] if overridden else []
    stopped = [step for step in material.log.get("steps", []) if step["state"] == "stopped"]
    found += [f"**Stopped: {step['name']}.** {step['detail']}." for step in stopped]
    return found


def bands(material: Material) -> list[str]:
    """Every experiment's band and every kill-switch."""
    lines = []
    stopped = {step: switch.name for switch in material.switches for step in switch.stops}
    for name in (*EXPERIMENTS, *(name.lower() for name in EXPLORATORY)):
        record = material.records.get(name)
        if record:
            lines.append([name.upper(), record.title, record.band.colour, "; ".join(record.band.reasons)])
        else:
            by = stopped.get(name.upper())
            lines.append([name.upper(), "", f"stopped by {by}" if by else "not run", ""])
    switches = [
        [switch.name, RULES.get(switch.name, ""), switch.state, switch.reason, ", ".join(switch.stops) or "nothing"]
        for switch in material.switches
    ]
    return [
        "## Bands and kill-switches",
        render([table("Bands", ("experiment", "what", "band", "numbers that decided it"), lines)], "markdown"),
        render([table("Kill-switches", ("switch", "rule", "state", "numbers", "stops"), switches)], "markdown"),
    ]


def headline(material: Material) -> list[str]:
    """recall@10 and retention of every method on every set."""
    rows = [row for row in material.methods if row["recall@10"] is not None]
    if not rows:
        return ["## Headline", "No results."]
    sets = list(dict.fromkeys(row["set"] for row in rows))
    methods = sorted(
        {row["method"]: row["bytes_per_vector"] for row in rows}.items(), key=lambda item: (item[1], item[0])
    )
    cells = {(row["method"], row["set"]): row for row in rows}
    lines = []
    for method, _ in methods:
        own = [cells.get((method, name)) for name in sets]
        sizes = sorted({row["bytes_per_vector"] for row in own if row})
        lines.append(
            [
                method,
                " / ".join(f"{size:g}" for size in sizes),
                *(f"{row['recall@10']:.3f} · {number(row['retention'], '.0%')}" if row else "–" for row in own),
            ]
        )
    made = table(
        "recall@10 against the float ranking · share of float's nDCG@10 retained", ("method", "bytes", *sets), lines
    )
    made.notes.append("recall@10 and nDCG@10 stand together because nDCG@10 flatters compression.")
    return ["## Headline", render([made], "markdown")]


def research_questions(material: Material) -> list[str]:
    """RQ1 to RQ4."""
    encoders = list(dict.fromkeys(row["encoder"] for row in material.methods))
    e5 = material.records.get("e5")
    parts = ["## Research questions", "### RQ1: quality against memory"]
    parts += [_means_table(material.methods, encoder) for encoder in encoders]
    parts += [image(plot) for plot in material.plots if "memory" in plot.file]
    parts += [
        "### RQ2: throughput against quality",
        (
            f"Measured on: {conditions({'methods': material.methods})}. "
            "Times hold everything a query costs: projection, look-up tables, popcount, re-scoring."
        ),
    ]
    parts += [image(plot) for plot in material.plots if "speed" in plot.file]
    parts += ["### RQ3: sensitivity to dataset and encoder", *_sensitivity(material.methods)]
    parts += ["### RQ4: operating regimes"]
    if encoders:
        sizes = sorted({row["documents"] for row in material.methods})
        parts.append(
            f"Given so many documents and so much memory, the smallest measured method that fits and whose recall@10 "
            f"on every set of the encoder reaches the bar. Recall was measured on {sizes[0]:,} to {sizes[-1]:,} "
            "documents and is not extrapolated: it usually falls as a corpus grows."
        )
    parts += [render([choices(material.methods, encoder)], "markdown") for encoder in encoders]
    if e5 and e5.figures["iso"]:
        parts.append(render([iso_table(e5.figures["iso"])], "markdown"))
    return parts


def _means_table(methods: Sequence[dict[str, Any]], encoder: str) -> str:
    rows = means(methods, encoder)
    count = rows[0]["sets"] if rows else 0
    return render(
        [
            table(
                f"{encoder}: means over {count} sets",
                ("method", "bytes/vector", "recall@10", "lowest", "nDCG@10 retained", "queries/s (geometric)"),
                [
                    [
                        row["method"],
                        f"{row['bytes_per_vector']:g}",
                        number(row["recall@10"]),
                        number(row["lowest"]),
                        number(row["retention"], ".1%"),
                        number(row["queries_per_second"], ",.0f"),
                    ]
                    for row in rows
                ],
            )
        ],
        "markdown",
    )


def _sensitivity(methods: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for method in ("binary256", "pq32", "int8"):
        rows = [row for row in methods if row["method"] == method and row["recall@10"] is not None]
        for key, held in (("dataset", "encoder"), ("encoder", "dataset")):
            for value in dict.fromkeys(row[held] for row in rows):
                own = sorted((row for row in rows if row[held] == value), key=lambda row: row["recall@10"])
                if len(own) > 1:
                    low, high = own[0], own[-1]
                    lines.append(
                        [
                            method,
                            f"{key}s of {value}",
                            f"{low['recall@10']:.3f} ({low[key]})",
                            f"{high['recall@10']:.3f} ({high[key]})",
                            f"{high['recall@10'] - low['recall@10']:.3f}",
                        ]
                    )
    if not lines:
        return ["Needs at least two datasets of one encoder, or two encoders of one dataset."]
    made = table("recall@10 by what varies", ("method", "over the", "lowest", "highest", "range"), lines)
    return [render([made], "markdown"), "Which properties of the embeddings go with it: E7 and E8 below."]


def standings(material: Material) -> list[str]:
    """Where binary is preferable, competitive, or clearly worse than PQ at equal bytes."""
    e5 = material.records.get("e5")
    found = by_standing(e5.figures["iso"] if e5 else [])
    total = sum(map(len, found.values()))
    parts = ["## Where binary is preferable, competitive, or clearly worse"]
    if not total:
        return [*parts, "There is no comparison of binary with PQ at equal bytes."]
    parts.append(
        "By the paired 95 % interval of recall@10 of binary over PQ at equal bytes: preferable where all of it is "
        "above 1, clearly worse where all of it is below 0.95, competitive otherwise."
    )
    for kind, pairs in found.items():
        where = (
            "; ".join(f"{p['set']} at {p['bytes']} bytes: {interval(p['ratio'], '.2f')}" for p in pairs) or "Nowhere"
        )
        parts.append(f"**{kind.capitalize()}: {len(pairs)} of {total}.** {where}.")
    return parts


def hypotheses(material: Material) -> list[str]:
    """What the data say of each hypothesis."""
    if not material.hypotheses:
        return []
    parts = ["## Hypotheses"]
    for name, statement in material.hypotheses.items():
        parts.append(f"**{name}.** {sentence([statement])}")
        parts.append(
            _on_h1(material) if name == "H1" else "No rule decides this one; the tables above hold the figures."
        )
    return parts


def _on_h1(material: Material) -> str:
    e5 = material.records.get("e5")
    long = [row for row in material.methods if row["method"] == "binary512" and row["recall@10"] is not None]
    if e5 is None or not long:
        return "The data say nothing: there are no results of `binary512`."
    triggered = [s.name for s in material.switches if s.name in ("F1", "F2") and s.state == "triggered"]
    verdict = {"green": "supported", "red": "not supported"}.get(e5.band.colour, "neither supported nor refuted")
    recalls = [row["recall@10"] for row in long]
    kept = [row["retention"] for row in long if row["retention"] is not None]
    retained = f"; nDCG@10 retained {min(kept):.1%} to {max(kept):.1%}" if kept else ""
    other = {row["method"]: row for row in material.methods if row["family"] in ("ortho", "sign", "sign-median")}
    better = ""
    if other:
        best = max(
            (row for row in material.methods if row["method"] in other and row["recall@10"] is not None),
            key=lambda row: row["recall@10"],
            default=None,
        )
        better = (
            f" The highest recall@10 of another symmetric 1-bit rule is {best['recall@10']:.3f} "
            f"({best['method']}, {best['bytes_per_vector']:g} bytes, {best['set']})."
            if best
            else ""
        )
    return (
        f"By E5's band ({e5.band.colour}{'; ' + ', '.join(triggered) + ' triggered' if triggered else ''}) it is "
        f"**{verdict}**. At 512 bits recall@10 is {min(recalls):.3f} to {max(recalls):.3f} on {len(long)} sets"
        f"{retained}."
        f"{better}"
    )


def published(material: Material) -> list[str]:
    """Figures on record beside ours."""
    e1 = material.records.get("e1")
    subsets = [row["set"] for row in e1.figures["sets"] if row.get("subset")] if e1 else []
    rows = checked(material.methods, subsets)
    if not rows:
        return ["## Published figures", "No figure on record is for a (dataset, encoder) pair of this campaign."]
    tested = [row for row in rows if row["agrees"] is not None]
    return [
        "## Published figures",
        f"{sum(row['agrees'] for row in tested)} of {len(tested)} comparable figures agree.",
        render([comparison(rows)], "markdown"),
    ]
