"""The study's report: one document from the stored experiments, as Markdown and as self-contained HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binbench.files import atomic
from binbench.study import appendix, findings
from binbench.study import plots as draw
from binbench.study.execute import EXPLORATORY, kill_switches, read_log
from binbench.study.experiment import EXPERIMENTS, Plot, Record
from binbench.study.html import page
from binbench.study.material import Material
from binbench.study.regimes import means
from binbench.study.retrieval import method_rows
from binbench.study.study import Study


def write_report(study: Study) -> list[Path]:
    """Write ``report.md`` and ``report.html`` (self-contained) into the study's folder; their paths.

    Raises:
        UserError: a stored experiment cannot be read.
    """
    names = [*EXPERIMENTS, *(name.lower() for name in EXPLORATORY)]
    files = {name: study.folder / f"{name}.json" for name in names}
    methods = method_rows(study)
    study.folder.mkdir(parents=True, exist_ok=True)
    material = Material(
        campaign=study.campaign.name,
        hypotheses=study.campaign.resolved["hypotheses"],
        asked=[(entry.dataset, entry.encoder) for entry in study.asked],
        records={name: Record.read(path) for name, path in files.items() if path.is_file()},
        switches=kill_switches(study),
        methods=methods,
        troubles={entry.name: entry.troubles for entry in study.asked if entry.troubles},
        log=read_log(study.folder),
        plots=_draw(methods, study.folder),
    )
    text = document(material)
    written = {
        study.folder / "report.md": text,
        study.folder / "report.html": page(text, f"Study {study.campaign.name}", study.folder),
    }
    for path, content in written.items():
        with atomic(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return list(written)


def document(material: Material) -> str:
    """The report as Markdown; its images lie beside it."""
    parts = [
        *findings.summary(material),
        *findings.bands(material),
        *findings.headline(material),
        *findings.research_questions(material),
        *findings.standings(material),
        *findings.hypotheses(material),
        *findings.published(material),
        *appendix.experiments(material),
        *appendix.negative(material),
        *appendix.method(material),
        *appendix.limits(material),
        *appendix.provenance(material),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _draw(methods: Sequence[dict[str, Any]], folder: Path) -> list[Plot]:
    """recall@10 against bytes and against speed, means over the sets of each encoder."""
    found = []
    for old in folder.glob("report-*.png"):
        old.unlink()
    for i, encoder in enumerate(dict.fromkeys(row["encoder"] for row in methods)):
        rows = means(methods, encoder)
        if not rows:
            continue
        for what, key, label in (
            ("memory", "bytes_per_vector", "bytes per vector"),
            ("speed", "queries_per_second", "queries per second"),
        ):
            families = dict.fromkeys(row["family"] for row in rows)
            series = {
                family: (
                    [row[key] for row in rows if row["family"] == family],
                    [row["recall@10"] for row in rows if row["family"] == family],
                )
                for family in families
            }
            found.append(
                draw.curves(
                    folder / f"report-{what}-{i}.png",
                    series,
                    (label, "recall@10 against float"),
                    f"{encoder}: recall@10 against {label}, means over {rows[0]['sets']} sets.",
                    log_x=True,
                    unit_y=True,
                    families=True,
                )
            )
    return found
