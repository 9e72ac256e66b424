"""What the report's template shows, from typed material: choices and tables, no prose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from binbench.records.machines import Machines
from binbench.report.render import Table, render
from binbench.study import thresholds
from binbench.study.campaign import load_study
from binbench.study.corpus_size import curve_table, halves_table
from binbench.study.experiment import Outcomes, experiments, outcome
from binbench.study.experiments.e1 import E1, EmbeddedSet
from binbench.study.experiments.e5 import E5
from binbench.study.losses import loss_table, ranking
from binbench.study.methods import conditions
from binbench.study.published import checked, comparison
from binbench.study.questions import competitive, questions
from binbench.study.regimes import by_standing, choices, means
from binbench.study.rows import MethodRow, large, sized, with_recall
from binbench.study.scenario import broken_baseline, lacking, scenario, stopping, unsound
from binbench.study.switches import Switch, exploratory
from binbench.study.tables import estimate, listing, mark, noted, number, seconds, table, timed_on

if TYPE_CHECKING:
    from binbench.study.report import Material

#: What sensitivity to datasets and encoders is shown of.
VARIED = ("binary256", "pq32", "int8")
#: Further symmetric 1-bit rules.
OTHER_RULES = ("ortho", "sign", "sign-median")


@dataclass(frozen=True)
class Hypothesis:
    """What the data say of H1: E5's band, why it may decide nothing, the rows at 512 bits, the best of another rule."""

    color: str
    undecided: list[str]
    triggered: list[str]
    rows: list[MethodRow]
    other: MethodRow | None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.undecided:
            return "not decided"
        return {"green": "supported", "red": "not supported"}.get(self.color, "neither supported nor refuted")

    @property
    def retained(self) -> list[MethodRow]:
        """Those of the rows that have judgements."""
        return [row for row in self.rows if row.retention is not None]


def of(material: Material) -> dict[str, Any]:
    """The names that the template knows beside the fields of `material`."""
    methods, outcomes, switches = material.methods, material.outcomes, material.switches
    e1, e5 = outcome(outcomes, E1), outcome(outcomes, E5)
    sets: Sequence[EmbeddedSet] = e1.figures.made if e1 else ()
    pairs = e5.figures.iso if e5 else ()
    # The bands were calibrated for the pairs of this campaign.
    grid = {
        (name, encoder) for tier in load_study("phase2").tiers for name in tier.datasets for encoder in tier.encoders
    }
    answers = questions(outcomes, switches)
    present = sorted({(row.dataset, row.encoder) for row in methods})
    known = list(dict.fromkeys([*experiments(), *exploratory()]))
    on_record = checked(methods, [row.set for row in sets if row.subset])
    encoders = dict.fromkeys(row.encoder for row in methods)
    return {
        "bar": thresholds,
        "verdict": scenario(outcomes, switches),
        "questions": answers,
        "competitive": competitive(outcomes, switches, answers),
        "grid": grid,
        "present": present,
        "calibrated": [" × ".join(pair) for pair in present if pair in grid],
        "broken_baseline": broken_baseline(outcomes),
        "bands": bands(outcomes, switches, known),
        "kill_switches": kill_switches(switches),
        "headline": headline(methods),
        "encoders": [{"means": averages(methods, name), "choices": choices(methods, name)} for name in encoders],
        "conditions": conditions(methods),
        "sensitivity": sensitivity(methods),
        "pairs": pairs,
        "standings": by_standing(judged := large(pairs)),
        "judged": sized(judged),
        "loss_table": loss_table(material.losses),
        "ranking": ranking(material.losses, thresholds.LONG_BITS[0]),
        "spectrum": ranking(material.losses, thresholds.LONG_BITS[0], lambda loss: loss.participation),
        "appendix": appendix(methods),
        "curve_table": curve_table(material.curve) if material.curve else None,
        "halves_table": halves_table(material.halves),
        "h1": first_hypothesis(material),
        "published": on_record,
        "published_table": comparison(on_record),
        "published_comparable": comparison([row for row in on_record if row.known.comparable]),
        "known": known,
        "missing": {name: absent(name, switches) for name in known if name not in outcomes},
        "above_float": [row for row in methods if row.retention is not None and row.retention > 1.001],
        "undertrained": [row for row in methods if row.flattered],
        "seeds": seeds(methods),
        "sets": sets,
        "leaked": [f"{row.set} ({row.queries_in_train})" for row in sets if row.queries_in_train],
        "circumstances": circumstances(outcomes),
    }


def absent(name: str, switches: Sequence[Switch]) -> str:
    """What is said of an experiment without a record: stopped, which is no negative result, or not run."""
    by = stopping(name.upper(), switches)
    return f"stopped by {', '.join(by)}" if by else "not run"


def bands(outcomes: Outcomes, switches: Sequence[Switch], known: Iterable[str]) -> Table:
    """Every experiment's band."""
    lines = []
    for name in known:
        found = outcomes.get(name)
        if found:
            lines.append([name.upper(), found.title, found.band.color, "; ".join(found.band.reasons)])
        else:
            lines.append([name.upper(), "", absent(name, switches), ""])
    return table("Bands", ("experiment", "what", "band", "numbers that decided it"), lines)


def kill_switches(switches: Iterable[Switch]) -> Table:
    """Every kill-switch."""
    return listing(
        "Kill-switches",
        switches,
        {
            "switch": lambda one: one.name,
            "rule": lambda one: one.rule,
            "state": lambda one: one.state,
            "numbers": lambda one: one.reason,
            "stops": lambda one: ", ".join(one.stops) or "nothing",
        },
    )


def headline(methods: Iterable[MethodRow]) -> Table:
    """recall@10 and retention of every method on every set."""
    rows = with_recall(methods)
    sets = list(dict.fromkeys(row.set for row in rows))
    sizes = {row.method: row.bytes_per_vector for row in rows}
    cells = {(row.method, row.set): row for row in rows}
    lines = []
    for method in sorted(sizes, key=lambda name: (sizes[name], name)):
        own = [cells.get((method, name)) for name in sets]
        held = sorted({row.bytes_per_vector for row in own if row})
        shown = (f"{row.recall:.3f} · {number(row.retention, '.0%')}{mark(row)}" if row else "–" for row in own)
        lines.append([method, " / ".join(f"{size:g}" for size in held), *shown])
    title = "recall@10 against the float ranking · share of float's nDCG@10 retained"
    made = table(title, ("method", "bytes", *sets), lines)
    made.notes.append("recall@10 and nDCG@10 stand together because nDCG@10 flatters compression.")
    return noted(made, rows)


def seeds(methods: Iterable[MethodRow]) -> str:
    """How many seeds the families were run with, in words."""
    families: dict[int, dict[str, None]] = {}
    for row in methods:
        families.setdefault(row.seeds, {})[row.family] = None
    return "; ".join(f"{n} seed{'s' * (n > 1)}: {', '.join(own)}" for n, own in sorted(families.items(), reverse=True))


def appendix(methods: Sequence[MethodRow]) -> Table:
    """Every method on every set by the judgements, with what a query takes."""
    measures = {"MRR@10": "mrr@10", "MAP@10": "map@10", "R@10": "qrels_recall@10", "R@100": "qrels_recall@100"}
    percentiles = dict.fromkeys(name for row in methods for name in row.latency)
    timed = timed_on(methods)
    columns: dict[str, Callable[[MethodRow], str]] = {
        **{label: partial(_mean, name) for label, name in measures.items()},
        "ms a query": lambda row: seconds(timed, row, 1e3 / row.queries_per_second, ".3f"),
        **{f"{name} ms": partial(_milliseconds, timed, name) for name in percentiles},
    }
    made = listing(
        "Against the judgements, and time per query",
        sorted(methods, key=lambda row: (row.tier, row.set, row.bytes_per_vector, row.method)),
        {
            "set": lambda row: row.set,
            "method": lambda row: f"{row.method}{mark(row)}",
            "nDCG@10 [95 % CI]": lambda row: estimate(row.intervals["ndcg@10"]),
            **columns,
        },
    )
    return noted(made, methods, timed)


def _mean(measure: str, row: MethodRow) -> str:
    return number(row.means.get(measure))


def _milliseconds(timed: Machines, percentile: str, row: MethodRow) -> str:
    found = row.latency.get(percentile)
    return seconds(timed, row, None if found is None else 1e3 * found, ".3f")


def averages(methods: Iterable[MethodRow], encoder: str) -> Table:
    """Every method over the sets of `encoder`."""
    rows = means(methods, encoder)
    timed = timed_on(rows)
    made = listing(
        f"{encoder}: means over {rows[0].sets if rows else 0} sets",
        rows,
        {
            "method": lambda row: f"{row.method}{mark(row)}",
            "bytes/vector": lambda row: f"{row.bytes_per_vector:g}",
            "recall@10": lambda row: number(row.recall),
            "lowest": lambda row: number(row.lowest),
            "nDCG@10 retained": lambda row: number(row.retention, ".1%"),
            "queries/s (geometric)": lambda row: seconds(timed, row, row.queries_per_second, ",.0f"),
        },
    )
    return noted(made, rows, timed)


def sensitivity(methods: Iterable[MethodRow]) -> Table:
    """The lowest and the highest recall@10 of one method over datasets, and over encoders."""
    known, lines = with_recall(methods), []
    for method in VARIED:
        rows = [row for row in known if row.method == method]
        for over, held in (("dataset", "encoder"), ("encoder", "dataset")):
            for value in dict.fromkeys(getattr(row, held) for row in rows):
                own = sorted((row for row in rows if getattr(row, held) == value), key=lambda row: row.recall)
                if len(own) < 2:
                    continue
                ends = own[0], own[-1]
                shown = (f"{row.recall:.3f}{mark(row)} ({getattr(row, over)})" for row in ends)
                lines.append([method, f"{over}s of {value}", *shown, f"{ends[1].recall - ends[0].recall:.3f}"])
    made = table("recall@10 by what varies", ("method", "over the", "lowest", "highest", "range"), lines)
    return noted(made, (row for row in known if row.method in VARIED))


def first_hypothesis(material: Material) -> Hypothesis | None:
    """H1: long binary codes preserve neighbours and retrieval quality; None where nothing was measured."""
    e5, rows = outcome(material.outcomes, E5), with_recall(material.methods)
    long = [row for row in rows if row.method == thresholds.LONGEST_BINARY]
    if e5 is None or not long:
        return None
    triggered = [one.name for one in material.switches if one.name in ("F1", "F2") and one.state == "triggered"]
    others = (row for row in rows if row.family in OTHER_RULES)
    undecided = unsound(material.outcomes, material.switches) or lacking(material.outcomes)
    return Hypothesis(e5.band.color, undecided, triggered, long, max(others, key=lambda row: row.recall, default=None))


def circumstances(outcomes: Outcomes) -> Table:
    """Machine, versions and hours."""
    about: Mapping[str, Any] = next((found.provenance for found in outcomes.values() if found.provenance), {})
    machine, versions, e1 = about.get("machine", {}), about.get("versions", {}), outcome(outcomes, E1)
    hours = e1.figures.hours if e1 else {}
    spent = ", ".join(f"{value:.3f} h on {device}" for device, value in hours.items()) or "not recorded"
    off = f" (the reference device is {e1.figures.reference_device}; on others hours have no band)" if e1 else ""
    lines = [
        ["machine", f"{machine.get('cpu', '')}, {machine.get('cores', '')} cores, {machine.get('os', '')}"],
        ["embedding hours", spent + off],
        ["date", str(about.get("date", ""))],
        ["commit", str(about.get("git", ""))],
        ["versions", ", ".join(f"{name} {version}" for name, version in versions.items())],
    ]
    return table("Circumstances", ("", "value"), lines)


def sentence(parts: Iterable[str]) -> str:
    """`parts` as one sentence."""
    text = "; ".join(part.rstrip(".") for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


FILTERS = {
    "table": lambda one: render([one], "markdown"),
    "sentence": sentence,
    "number": number,
    "estimate": estimate,
    "least": lambda rows, name, form=",": format(min(getattr(row, name) for row in rows), form),
    "most": lambda rows, name, form=",": format(max(getattr(row, name) for row in rows), form),
}
