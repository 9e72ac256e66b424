"""What the experiments have in common: figures from stored artefacts, a band over figures alone, tables and plots."""

from __future__ import annotations

import importlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from binbench.errors import UserError, unknown
from binbench.files import atomic
from binbench.provenance import circumstances
from binbench.report.render import Table
from binbench.study.study import Study

Colour = Literal["green", "yellow", "red", "not applicable"]
Figures = dict[str, Any]

#: How cells of numbers begin; an empty cell (``''``) is one too.
_NUMERIC = ("", *"0123456789+-–")

EXPERIMENTS = ("e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8")

#: "All" and "most" of a single collection or a single encoder is not what the bands were made for.
MIN_DATASETS = 2
MIN_ENCODERS = 2


@dataclass(frozen=True)
class Band:
    """A verdict and the numbers that decided it."""

    colour: Colour
    reasons: list[str]


@dataclass(frozen=True)
class Plot:
    """A drawing in the study's folder."""

    file: str
    caption: str


class Experiment(Protocol):
    """What a module `binbench.study.e<n>` offers."""

    TITLE: str

    def figures(self, study: Study) -> Figures:
        """JSON values from stored artefacts."""

    def band(self, figures: Figures) -> Band:
        """The verdict, from the figures alone."""

    def tables(self, figures: Figures) -> list[Table]:
        """The figures for people."""

    def plots(self, figures: Figures, folder: Path) -> list[Plot]:
        """Draw into `folder`."""


@dataclass(frozen=True)
class Record:
    """An experiment's outcome, as stored in the study's folder."""

    experiment: str
    title: str
    campaign: str
    figures: Figures
    band: Band
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def write(self, folder: Path) -> Path:
        """Store it as JSON; a figure that is not defined is null."""
        path = folder / f"{self.experiment}.json"
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(finite(asdict(self)), indent=1, ensure_ascii=False) + "\n")
        return path

    @classmethod
    def read(cls, path: Path) -> Record:
        """The inverse of :meth:`write`.

        Raises:
            UserError: it cannot be read.
        """
        try:
            stored = json.loads(path.read_text())
            return cls(
                **stored
                | {
                    "band": Band(**stored["band"]),
                    "tables": [Table(**table) for table in stored["tables"]],
                    "plots": [Plot(**plot) for plot in stored["plots"]],
                }
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is not a stored experiment ({error}); run the experiment again") from error


def load(name: str) -> Experiment:
    """The module of the experiment `name`.

    Raises:
        UserError: there is none.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS)
    module: Any = importlib.import_module(f"binbench.study.{name}")
    return module


def perform(name: str, study: Study) -> Record:
    """Compute the experiment `name`, draw its plots and store its record.

    Raises:
        UserError: none of the campaign's embedding sets is there.
    """
    if not study.sets:
        raise UserError(
            f"no embedding set of campaign {study.campaign.name} is in {study.data_dir}; "
            f"`binbench study run {study.campaign.name}` makes them"
        )
    experiment = load(name)
    start = time.perf_counter()
    figures = finite(experiment.figures(study))
    study.folder.mkdir(parents=True, exist_ok=True)
    for old in study.folder.glob(f"{name}-*.png"):
        old.unlink()
    record = Record(
        experiment=name,
        title=experiment.TITLE,
        campaign=study.campaign.name,
        figures=figures,
        band=experiment.band(figures),
        tables=experiment.tables(figures),
        plots=experiment.plots(figures, study.folder),
        provenance=circumstances(),
        seconds=time.perf_counter() - start,
    )
    record.write(study.folder)
    return record


def finite(value: Any) -> Any:
    """`value` with NaN and infinities as None, NumPy scalars as Python's and tuples as lists."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(title: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    """A table of text whose columns of numbers, the first excepted, stand right."""
    right = [i > 0 and all(line[i][:1] in _NUMERIC for line in lines) for i in range(len(header))]
    return Table(title, list(header), right, [list(line) for line in lines])


def number(value: float | None, form: str = ".3f") -> str:
    """`value` in `form`, or a dash."""
    return "–" if value is None else f"{value:{form}}"


def interval(limits: Sequence[float | None] | None, form: str = ".3f") -> str:
    """``estimate [low, high]``, or a dash."""
    if not limits or limits[0] is None:
        return "–"
    return f"{limits[0]:{form}} [{number(limits[1], form)}, {number(limits[2], form)}]"


def uncovered(rows: Sequence[dict[str, Any]], datasets: int = MIN_DATASETS, encoders: int = MIN_ENCODERS) -> str:
    """Why `rows` (of sets) are too few for a band; empty where they are enough."""
    have = len({row["dataset"] for row in rows}), len({row["encoder"] for row in rows})
    if have[0] >= datasets and have[1] >= encoders:
        return ""
    return f"needs at least {datasets} datasets and {encoders} encoders; there are {have[0]} and {have[1]}"
