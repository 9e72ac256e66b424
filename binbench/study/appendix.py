"""The second half of the report: every experiment, what went wrong, method, limits, provenance."""

from __future__ import annotations

from binbench.report.render import render
from binbench.study.e1 import hours_by_device
from binbench.study.execute import EXPLORATORY
from binbench.study.experiment import EXPERIMENTS, table
from binbench.study.material import Material, image
from binbench.study.regimes import by_standing


def experiments(material: Material) -> list[str]:
    """Tables and plots of every experiment."""
    parts = ["## Experiments"]
    for name in (*EXPERIMENTS, *(name.lower() for name in EXPLORATORY)):
        record = material.records.get(name)
        if record is None:
            parts += [f"### {name.upper()}", "Not run."]
            continue
        parts += [f"### {name.upper()}: {record.title}", f"Band: **{record.band.colour}**."]
        parts.append("\n".join(f"* {reason}" for reason in record.band.reasons))
        parts += [render([one], "markdown") for one in record.tables]
        parts += [image(plot) for plot in record.plots]
    return parts


def negative(material: Material) -> list[str]:
    """Whatever did not work, gathered in one place."""
    found = [
        f"{name.upper()} is red: {'; '.join(record.band.reasons)}"
        for name, record in material.records.items()
        if record.band.colour == "red"
    ]
    found += [
        f"{switch.name} triggered: {switch.reason}" for switch in material.switches if switch.state == "triggered"
    ]
    e5 = material.records.get("e5")
    worse = by_standing(e5.figures["iso"] if e5 else [])["clearly worse"]
    if worse:
        found.append(f"binary is clearly worse than PQ at equal bytes in {len(worse)} comparisons")
    above = [row for row in material.methods if row["retention"] is not None and row["retention"] > 1.001]
    if above:
        most = max(above, key=lambda row: row["retention"])
        found.append(
            f"{len(above)} results have a higher nDCG@10 than float, the most {most['retention']:.1%} of it "
            f"({most['method']} on {most['set']})"
        )
    found += [f"{name}: {line}" for name, lines in material.troubles.items() for line in lines]
    found += [str(line) for line in material.log.get("failures", [])]
    return ["## Negative results, failures and gaps", "\n".join(f"* {line}" for line in found) or "None."]


def method(material: Material) -> list[str]:
    """How it was measured."""
    e1 = material.records.get("e1")
    sets = [row for row in e1.figures["sets"] if row["made"]] if e1 else []
    return [
        "## Method",
        (
            "Every (dataset, encoder) pair is an embedding set with exact neighbours. Every method is fitted on the "
            "documents and queried in a process of its own. recall@k is the share of the first k results whose true "
            "distance is at most the true k-th distance + 1e-6; nDCG@10 is trec_eval's; intervals are BCa bootstrap "
            "over queries, comparisons are paired by query; figures are means over the seeds. Bands, kill-switches and "
            "their thresholds are those of the study's plan, fixed in the code."
        ),
        f"Sets: {', '.join(row['set'] for row in sets) or 'none'}.",
    ]


def limits(material: Material) -> list[str]:
    """What the figures do not carry."""
    e1 = material.records.get("e1")
    sets = [row for row in e1.figures["sets"] if row["made"]] if e1 else []
    found = []
    if sets:
        sizes, queries = [row["vectors"] for row in sets], [row["queries"] for row in sets]
        found.append(
            f"corpora of {min(sizes):,} to {max(sizes):,} documents, {min(queries):,} to {max(queries):,} queries"
        )
        encoders = list(dict.fromkeys(row["encoder"] for row in sets))
        found.append(f"{len(encoders)} encoders ({', '.join(encoders)}): statements about models rest on so many")
        subsets = [row["set"] for row in sets if row["subset"]]
        if subsets:
            found.append(f"subsets of their corpora, which raises nDCG@10: {', '.join(subsets)}")
        leaked = [f"{row['set']} ({row['queries_in_train']})" for row in sets if row["queries_in_train"]]
        if leaked:
            found.append(f"queries that occur among the documents: {', '.join(leaked)}")
    seeds = {row["seeds"] for row in material.methods}
    if seeds:
        found.append(f"seeds per method: {', '.join(map(str, sorted(seeds)))}")
    sampled = [row for row in material.methods if any("faiss advises" in note for note in row["notes"])]
    if sampled:
        found.append(
            f"{len(sampled)} quantizers were trained on fewer points than faiss advises: on small corpora codebooks "
            "partly learn the documents themselves, which flatters them"
        )
    found.append("times are those of the machine named below, under its load at the time")
    missing = [name for name in EXPLORATORY if name.lower() not in material.records]
    if missing:
        found.append(f"not run: {', '.join(missing)}")
    return ["## Limits", "\n".join(f"* {line}" for line in found)]


def provenance(material: Material) -> list[str]:
    """Machine, versions, hours, and the exact commands."""
    about = next((record.provenance for record in material.records.values() if record.provenance), {})
    machine, versions = about.get("machine", {}), about.get("versions", {})
    e1 = material.records.get("e1")
    reference = e1.figures.get("reference_device", "") if e1 else ""
    hours = hours_by_device(e1.figures["sets"] if e1 else [])
    spent = ", ".join(f"{value:.3f} h on {device}" for device, value in hours.items()) or "not recorded"
    off = f" (the reference device is {reference}; on others hours have no band)" if reference else ""
    facts = [
        ["machine", f"{machine.get('cpu', '')}, {machine.get('cores', '')} cores, {machine.get('os', '')}"],
        ["embedding hours", spent + off],
        ["date", str(about.get("date", ""))],
        ["commit", str(about.get("git", ""))],
        ["versions", ", ".join(f"{name} {version}" for name, version in versions.items())],
    ]
    commands = [
        f"python -m binbench study plan {material.campaign}",
        f"python -m binbench study run {material.campaign}"
        + (" --despite-kill-switch" if material.log.get("despite") else ""),
        *(f"python -m binbench study {name} {material.campaign}" for name in EXPERIMENTS if name in material.records),
        f"python -m binbench study report {material.campaign}",
    ]
    recorded = material.log.get("provenance", {}).get("command")
    return [
        "## Provenance",
        render([table("Circumstances", ("", "value"), facts)], "markdown"),
        "### Commands",
        "```\n" + "\n".join(commands) + "\n```",
        f"The last run was: `{recorded}`." if recorded else "",
    ]
