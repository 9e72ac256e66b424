"""What an experiment is: figures from stored artefacts, a band over figures alone, tables and plots."""

from __future__ import annotations

import hashlib
import importlib
import logging
import pkgutil
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from binbench.errors import UserError, unknown
from binbench.files import atomic
from binbench.plugins.identity import code_identity
from binbench.records.typed import adapter
from binbench.report.render import Table

if TYPE_CHECKING:
    from binbench.study.study import Study

logger = logging.getLogger("binbench")

Color = Literal["green", "yellow", "red", "not applicable"]
F = TypeVar("F")
E = TypeVar("E", bound="type[Experiment[Any]]")


@dataclass(frozen=True)
class Band:
    """A verdict and the numbers that decided it."""

    color: Color
    reasons: list[str]


@dataclass(frozen=True)
class Plot:
    """A drawing in the study's folder."""

    file: str
    caption: str


class Experiment(ABC, Generic[F]):
    """One question of the study. A module of :mod:`binbench.study.experiments` defines it, :func:`experiment` finds it.

    Attributes:
        id: ``e`` (core) or ``x`` (exploratory) and a number: names its command, its record and its plots.
        title: one line, without a full stop.
        needs: experiments whose figures it takes (:meth:`binbench.study.study.Study.figures`), performed before it.
        figures: the frozen dataclass of its figures, of values that JSON holds.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    figures: type[F]

    @property
    def exploratory(self) -> bool:
        """Whether kill-switches may stop it."""
        return self.id.startswith("x")

    @abstractmethod
    def measure(self, study: Study) -> F:
        """The figures from what is stored; nothing is run."""

    @abstractmethod
    def judge(self, figures: F) -> Band:
        """The verdict, from the figures alone."""

    @abstractmethod
    def tables(self, figures: F) -> list[Table]:
        """The figures for people."""

    def plots(self, figures: F, folder: Path) -> list[Plot]:
        """Draw into `folder`, into files whose names begin with the experiment's id and a dash."""
        return []


_FOUND: dict[str, Experiment[Any]] = {}


def experiment(cls: E) -> E:
    """Register an experiment.

    Raises:
        ValueError: another one has its id.
    """
    if cls.id in _FOUND and type(_FOUND[cls.id]).__qualname__ != cls.__qualname__:
        raise ValueError(f"two experiments are called {cls.id}: {type(_FOUND[cls.id]).__name__} and {cls.__name__}")
    _FOUND[cls.id] = cls()
    return cls


@cache
def experiments() -> dict[str, Experiment[Any]]:
    """Every experiment by its id: core before exploratory ones, and each after those that it needs."""
    from binbench.study import experiments as folder

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    ordered: dict[str, Experiment[Any]] = {}

    def add(name: str) -> None:
        for needed in _FOUND[name].needs:
            add(needed)
        ordered.setdefault(name, _FOUND[name])

    for name in sorted(_FOUND, key=lambda name: (name[0], int(name[1:]))):
        add(name)
    return ordered


def load(name: str) -> Experiment[Any]:
    """The experiment called `name`.

    Raises:
        UserError: there is none.
    """
    if name not in experiments():
        raise unknown("experiment", name, experiments())
    return experiments()[name]


@dataclass(frozen=True)
class Outcome(Generic[F]):
    """What an experiment found, as stored in the study's folder; a figure that is not defined is null there.

    Attributes:
        experiment, title, campaign: which, of which campaign.
        figures, band, tables, plots: what was found.
        provenance, seconds: machine, versions, date and command; how long it took.
        inputs: what it was computed from, each with a hash: the experiment's code, the campaign, sets and results.
    """

    experiment: str
    title: str
    campaign: str
    figures: F
    band: Band
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    inputs: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Store it as JSON."""
        path = folder / f"{self.experiment}.json"
        with atomic(path) as temporary:
            temporary.write_bytes(adapter(Outcome[type(self.figures)]).dump_json(self, indent=1) + b"\n")  # type: ignore[misc]
        return path

    @staticmethod
    def read(path: Path, experiment: Experiment[F]) -> Outcome[F]:
        """The inverse of :meth:`write`.

        Raises:
            UserError: it cannot be read, or an earlier version of the experiment stored it.
        """
        from pydantic import ValidationError

        try:
            found: Outcome[F] = adapter(Outcome[experiment.figures]).validate_json(path.read_bytes())  # type: ignore[name-defined]
        except (OSError, ValidationError) as error:
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
            else:
                what = str(error.strerror)
            raise UserError(
                f"{path} is not a stored experiment of this version ({what}); run the experiment again"
            ) from error
        return found


Outcomes = Mapping[str, Outcome[Any]]


def fitting(name: str, study: Study) -> Outcome[Any] | None:
    """The stored outcome of the experiment `name`; None where there is none, or what it was computed from changed."""
    path = study.folder / f"{name}.json"
    try:
        found = Outcome.read(path, load(name)) if path.is_file() else None
    except UserError as error:
        logger.warning("%s", error)
        return None
    return found if found and found.inputs == _inputs(name, study) else None


def figures_of(of: type[Experiment[F]], study: Study) -> F:
    """The figures of the experiment `of`: the stored ones while they fit, else measured, once."""
    fits = fitting(of.id, study)
    return fits.figures if fits else study.figures(of)


def current(study: Study) -> dict[str, Outcome[Any]]:
    """The outcomes in the study's folder, by experiment; what no longer fits the results is performed anew.

    Raises:
        UserError: that is not possible.
    """
    found: dict[str, Outcome[Any]] = {}
    for name in experiments():
        if (study.folder / f"{name}.json").is_file():
            if (fits := fitting(name, study)) is None:
                logger.info("%s: the results that it was computed from have changed; computed anew", name.upper())
            found[name] = fits or perform(name, study)
    return found


def _inputs(name: str, study: Study) -> dict[str, str]:
    return {"code": code_identity(type(load(name)))} | study.inputs


def outcome(outcomes: Outcomes, of: type[Experiment[F]]) -> Outcome[F] | None:
    """What the experiment `of` found; None where it was not performed."""
    return outcomes.get(of.id)


def perform(name: str, study: Study) -> Outcome[Any]:
    """Measure and judge the experiment `name`, draw its plots and store its outcome.

    Raises:
        UserError: none of the campaign's embedding sets is there.
    """
    from binbench.provenance import circumstances

    if not study.sets:
        raise UserError(
            f"no embedding set of campaign {study.campaign.name} is in {study.data_dir}; "
            f"`binbench study run {study.campaign.name}` makes them"
        )
    asked = load(name)
    start = time.perf_counter()
    figures = study.figures(type(asked))
    study.campaign.store(study.folder)
    for old in study.folder.glob(f"{name}-*.svg"):
        old.unlink()
    found = Outcome(
        experiment=name,
        title=asked.title,
        campaign=study.campaign.name,
        figures=figures,
        band=asked.judge(figures),
        tables=asked.tables(figures),
        plots=asked.plots(figures, study.folder),
        provenance=circumstances(),
        seconds=time.perf_counter() - start,
        inputs=_inputs(name, study),
    )
    found.write(study.folder)
    return found


def restored(figures: F) -> F:
    """`figures` as they come back from their file, so that what is judged is what is stored."""
    kind = adapter(type(figures))
    found: F = kind.validate_json(kind.dump_json(figures))
    return found


def hashed(text: str) -> str:
    """A sha256 of `text`, shortened."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]
