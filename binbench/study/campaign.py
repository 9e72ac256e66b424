"""Study campaigns: which collections, encoders and methods, in which tiers, under which budgets."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field

from binbench.errors import UserError, unknown
from binbench.files import atomic, path_of
from binbench.harness.config import Locate, check_names, check_seeds, load_plugins, read_checked, spelt_out
from binbench.harness.options import (
    Amount,
    Count,
    Name,
    Options,
    RunOptions,
    RunSettings,
    SetOptions,
    SetSettings,
    Shown,
    Some,
)
from binbench.sets.corpus import SourceOptions
from binbench.sets.prepare import Preparation

#: Stands for every collection of the folder that --beir-dir or the variable names.
LOCAL = "$BINBENCH_BEIR_DIR/*"
#: The campaign as it was run, in the study's folder.
STORED = "campaign.yml"


class Tier(Options):
    """One block of the grid: every dataset with every encoder and every method."""

    number: Count = Field(default=0, alias="tier", description="Several blocks may share it; its place if not given.")
    datasets: Some[Name]
    encoders: Some[Name]
    algorithms: Some[Name] = Field(description="Instances, families or globs.")


class Budgets(Options):
    """Hours, by what they are for."""

    embedding_green: Amount = 20
    embedding_yellow: Amount = 30
    embedding_red: Amount = 35
    ground_truth_green: Amount = 50
    study_cap: Amount = 65


class Friendliness(Options):
    """What X1's index weighs: fixed in the campaign, before results are seen."""

    recall_256: Amount = 1
    recall_512: Amount = 1
    ratio_32: Amount = 1
    ratio_64: Amount = 1
    anisotropy: Amount = Field(default=0.05, description="The penalty of the second variant, per factor of ten.")

    @property
    def parts(self) -> tuple[float, ...]:
        """The weights of recall@10 at 256 and 512 bits and of the ratios to PQ at 32 and 64 bytes."""
        return self.recall_256, self.recall_512, self.ratio_32, self.ratio_64


class StudyCampaign(RunSettings, SetSettings):
    """A checked campaign: runs and sets as in `binbench run --config`, but in tiers."""

    path: Annotated[Path, Shown(None, in_file=False)]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    reference_device: Name = "A100"
    budgets: Budgets = Budgets()
    friendliness: Friendliness = Friendliness()
    hypotheses: dict[str, str] = Field(default={}, description="What is to be shown, by ids such as H1.")

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def known_as(self) -> str:
        """What commands call it wherever they are given: a shipped campaign's name, or the file's full path."""
        return self.name if shipped().get(self.name) == self.path else str(self.path.resolve())

    def folder(self, study_dir: Path) -> Path:
        """Where the study's own files go: named like the campaign, apart where another campaign of that name is."""
        plain = study_dir / self.name
        own = study_dir / f"{self.name}-{hashlib.sha256(self.known_as.encode()).hexdigest()[:8]}"
        stored = plain / STORED
        taken = stored.is_file() and stored.read_text(encoding="utf-8").partition("\n")[0] != self._heading
        return own if taken or own.is_dir() else plain

    @property
    def _heading(self) -> str:
        return f"# {self.known_as}"

    def store(self, folder: Path) -> None:
        """Write the campaign, every default spelt out, into the study's `folder`."""
        with atomic(folder / STORED) as temporary:
            temporary.write_text(f"{self._heading}\n{spelt_out(self)}", encoding="utf-8")

    def preparations(self, tier: Tier, data_dir: Path) -> list[Preparation]:
        """The embedding sets of `tier`."""
        grid = self.shared(SetOptions) | {"datasets": tier.datasets, "encoders": tier.encoders, "data_dir": data_dir}
        return SetOptions(**grid).preparations()

    def options(self, results_dir: Path, force: bool = False) -> RunOptions:
        """The conditions of the runs."""
        more = {"hypotheses": tuple(self.hypotheses), "results_dir": results_dir, "force": force}
        return RunOptions(**self.shared(RunOptions) | more)


def shipped() -> dict[str, Path]:
    """The campaigns that come with binbench, by name."""
    folder = Path(str(files("binbench.study").joinpath("campaigns")))
    return {path.stem: path for path in sorted(folder.glob("*.yml"))}


def load_study(name_or_path: str, beir_dir: Path | None = None) -> StudyCampaign:
    """Read and check the campaign of that name, or the file at that path.

    Raises:
        UserError: there is none; or it has an unknown key, a wrong type or an unknown name, with file and line.
    """
    known = shipped()
    path = known.get(name_or_path) or path_of(name_or_path)
    if not path.is_file() and path.suffix not in (".yml", ".yaml"):
        raise unknown("campaign", name_or_path, known, f"; there are {', '.join(known)}, or give a YAML file")
    beir_dir = SourceOptions.from_environment(beir_dir=beir_dir).beir_dir
    campaign, at = read_checked(path, StudyCampaign, {"beir_dir": beir_dir})
    plugins = load_plugins(path, campaign.plugins, at)
    check_seeds(campaign.seeds_of, at)
    tiers = [_checked(tier, i, at, beir_dir) for i, tier in enumerate(campaign.tiers)]
    return campaign.model_copy(update={"plugins": plugins, "tiers": tuple(sorted(tiers, key=lambda tier: tier.number))})


def _checked(tier: Tier, i: int, at: Locate, beir_dir: Path | None) -> Tier:
    """The `i`-th block of the file, numbered, and with the local collections by their names."""
    # Their common name stands for collections that exist: only the others are looked up, each on its line.
    others = [j for j, name in enumerate(tier.datasets) if name != LOCAL]

    def locate(key: str, j: int) -> str:
        return at("tiers", i, key, others[j] if key == "datasets" else j)

    check_names(tier.algorithms, [tier.datasets[j] for j in others], tier.encoders, locate, beir_dir)
    datasets = [
        name
        for given in tier.datasets
        for name in (_local(beir_dir, at("tiers", i, "datasets")) if given == LOCAL else [given])
    ]
    return tier.model_copy(update={"number": tier.number or i + 1, "datasets": tuple(dict.fromkeys(datasets))})


def _local(beir_dir: Path | None, where: str) -> list[str]:
    if beir_dir is None:
        raise UserError(f"{where}: {LOCAL} needs --beir-dir or BINBENCH_BEIR_DIR, the folder of BEIR collections")
    found = sorted(path.parent.name for path in beir_dir.glob("*/corpus.jsonl"))
    if not found:
        raise UserError(f"{where}: {beir_dir} holds no collections (NAME/corpus.jsonl)")
    return found
