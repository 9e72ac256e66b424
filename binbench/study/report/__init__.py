"""The study's report: one document from the stored experiments, as Markdown and as self-contained HTML.

Its prose stands in ``report.md.j2``; :mod:`binbench.study.report.views` provides what it shows.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binbench.files import atomic
from binbench.harness.config import spelt_out
from binbench.study import plots as draw
from binbench.study.archive import Archive, archive
from binbench.study.corpus_size import Curve, HalvedSet, curve, curve_plot, halves
from binbench.study.execute import Progress, kill_switches
from binbench.study.experiment import Outcomes, Plot, current, outcome
from binbench.study.experiments.e7 import E7
from binbench.study.losses import Loss, losses
from binbench.study.methods import method_rows
from binbench.study.regimes import means
from binbench.study.report import views
from binbench.study.report.page import page
from binbench.study.rows import MethodRow
from binbench.study.study import Study
from binbench.study.switches import Switch


@dataclass(frozen=True)
class Material:
    """Everything the report is made of.

    Attributes:
        campaign: its name.
        hypotheses: id → statement.
        asked: (dataset, encoder) pairs of the campaign.
        outcomes: of the experiments.
        switches: the kill-switches.
        methods: a row per set and method.
        troubles: set → what has no result there, one line each.
        log: what the last run stored.
        given: the campaign and the folders, as commands take them in any folder.
        resolved: the campaign with every default, as YAML.
        plots: drawn for the report itself.
        losses: what binary codes have to tell apart.
        curve, halves: what the size of a corpus does.
        archive: the results in one file.
    """

    campaign: str
    hypotheses: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[tuple[str, str]] = ()
    outcomes: Outcomes = field(default_factory=dict)
    switches: Sequence[Switch] = ()
    methods: Sequence[MethodRow] = ()
    troubles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    log: Progress = field(default_factory=Progress)
    given: str = ""
    resolved: str = ""
    plots: Sequence[Plot] = ()
    losses: Sequence[Loss] = ()
    curve: Curve | None = None
    halves: Sequence[HalvedSet] = ()
    archive: Archive | None = None


def gathered(study: Study) -> Material:
    """What the report of `study` is made of; plots and the results' archive are written into the study's folder.

    Raises:
        UserError: a stored experiment cannot be read.
    """
    outcomes, methods = current(study), method_rows(study)
    e7 = outcome(outcomes, E7)
    participation = {row.set: row.diagnostics["participation_ratio"] for row in e7.figures.sets} if e7 else {}
    sizes = curve(study)
    return Material(
        campaign=study.campaign.name,
        hypotheses=study.campaign.hypotheses,
        asked=[(entry.dataset, entry.encoder) for entry in study.asked],
        outcomes=outcomes,
        switches=kill_switches(study),
        methods=methods,
        troubles={entry.name: entry.troubles for entry in study.asked if entry.troubles},
        log=Progress.read(study.folder),
        given=given(study),
        resolved=spelt_out(study.campaign),
        plots=_draw(methods, study.folder, sizes),
        curve=sizes,
        halves=halves(study),
        losses=losses(study, participation),
        archive=archive(study),
    )


def write_report(study: Study) -> list[Path]:
    """Write ``report.md`` and ``report.html`` (self-contained) into the study's folder; their paths.

    Raises:
        UserError: a stored experiment cannot be read.
    """
    study.campaign.store(study.folder)
    text = document(gathered(study))
    written = {
        study.folder / "report.md": text,
        study.folder / "report.html": page(text, f"Study {study.campaign.name}", study.folder),
    }
    for path, content in written.items():
        with atomic(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return list(written)


def given(study: Study) -> str:
    """What commands about `study` take: its campaign, and the folders that are not the usual ones."""
    folders = {"data": study.data_dir, "results": study.results_dir, "study": study.folder.parent}
    folders |= {"beir": study.campaign.beir_dir} if study.campaign.beir_dir else {}
    told = [f"--{name}-dir={path.resolve()}" for name, path in folders.items() if path != Path(name)]
    return shlex.join([study.campaign.known_as, *told])


def document(material: Material, template: str = "report.md.j2", **more: Any) -> str:
    """The report, or what another `template` makes of the same and `more`, as Markdown; its images lie beside it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__name__, "."),
        # Markdown; the page made of it escapes for itself.
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= views.FILTERS
    return _filled(environment.get_template(template).render(**vars(material), **views.of(material), **more))


def _filled(text: str) -> str:
    """`text` with every paragraph on one line, as the template's own line breaks mean nothing, and no empty ones."""
    stretches = text.split("```")
    # Every other stretch is code. What begins a heading, a line of a list or of a table, or an image begins a line.
    stretches[::2] = [re.sub(r"(?<=[^\n]) *\n *(?![\s|*#!]|\d+\. |$)", " ", one) for one in stretches[::2]]
    return re.sub(r"\n{3,}", "\n\n", "```".join(stretches)).strip() + "\n"


def _draw(methods: Sequence[MethodRow], folder: Path, sizes: Curve | None) -> list[Plot]:
    """recall@10 against bytes and against speed, means over the sets of each encoder; and against documents."""
    found = []
    for old in folder.glob("report-*.svg"):
        old.unlink()
    for i, encoder in enumerate(dict.fromkeys(row.encoder for row in methods)):
        rows = means(methods, encoder)
        if not rows:
            continue
        kinds = sorted({row.machine for row in rows})
        for what, label in (("memory", "bytes per vector"), ("speed", "queries per second")):
            series: dict[str, tuple[list[float], list[float]]] = {}
            for row in rows:
                x, y = series.setdefault(row.family, ([], []))
                x.append(row.bytes_per_vector if what == "memory" else row.queries_per_second)
                y.append(row.recall)
            found.append(
                draw.curves(
                    folder / f"report-{what}-{i}.svg",
                    series,
                    (label, "recall@10 against float"),
                    f"{encoder}: recall@10 against {label}, means over {rows[0].sets} sets."
                    + f" Timed on different machines: {'; '.join(kinds)}." * (what == "speed" and len(kinds) > 1),
                    log_x=True,
                    unit_y=True,
                    families=True,
                    ticks=draw.powers(row.bytes_per_vector for row in rows) if what == "memory" else (),
                    # A float query against the codes of a family looks like that family otherwise.
                    dashed=[name for name in series if name.endswith("-asym")],
                )
            )
    return [*found, curve_plot(sizes, folder / "report-documents.svg")] if sizes else found
