"""X4: a memo for those who design the next system, from the records alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from binbench.report.render import Table
from binbench.study.experiment import Band, Experiment, Outcome, experiment, experiments, figures_of, load
from binbench.study.experiments.e5 import E5
from binbench.study.experiments.x1 import X1
from binbench.study.experiments.x2 import X2
from binbench.study.experiments.x3 import X3
from binbench.study.memo import Section, sections
from binbench.study.methods import method_rows
from binbench.study.scenario import stopping
from binbench.study.tables import table

if TYPE_CHECKING:
    from binbench.study.study import Study


@dataclass(frozen=True, kw_only=True)
class Memo:
    """Its sections, in the plan's order."""

    sections: tuple[Section, ...]


@experiment
class X4(Experiment[Memo]):
    """What follows from all of it?"""

    id = "x4"
    title = "Design memo"
    needs = (E5.id, X1.id, X2.id, X3.id)
    figures = Memo

    def measure(self, study: Study) -> Memo:
        """From the figures of the other experiments; those that a switch stops have none."""
        from binbench.study.execute import kill_switches

        def figures(name: str) -> Any:
            return figures_of(type(load(name)), study)

        switches = kill_switches(study, figures=figures)
        found = {
            name: Outcome(name, one.title, study.campaign.name, known := figures(name), one.judge(known))
            for name, one in experiments().items()
            if name != self.id and (not stopping(name.upper(), switches) or (study.folder / f"{name}.json").is_file())
        }
        return Memo(sections=tuple(sections(found, switches, method_rows(study))))

    def judge(self, figures: Memo) -> Band:
        """Green where every section holds a number; yellow where some name the switch that found or left nothing."""
        empty = [one.title for one in figures.sections if one.empty]
        if empty:
            return Band("red", [f"without a number and without a switch: {'; '.join(empty)}"])
        reasons = [f"{one.title}: {one.figures} sentences with numbers of {one.record}" for one in figures.sections]
        negative = [f"{one.title}: {one.stopped}" for one in figures.sections if one.stopped]
        return Band("yellow" if negative else "green", negative or reasons)

    def tables(self, figures: Memo) -> list[Table]:
        lines = [
            [one.title if i == 0 else "", said, one.record]
            for one in figures.sections
            for i, said in enumerate([*one.says, *([one.stopped] if one.stopped else [])])
        ]
        return [table("What follows", ("section", "what the records say", "record"), lines)]
