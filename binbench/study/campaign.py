"""Study campaigns: which collections, encoders and methods, in which tiers, under which budgets."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from binbench.errors import UserError, unknown
from binbench.harness.config import SCHEMA as RUN_SCHEMA
from binbench.harness.config import check_names, load_plugins, read_checked
from binbench.harness.run import RunOptions
from binbench.sets.corpus import SourceOptions
from binbench.sets.prepare import EncoderOptions, Preparation

#: Stands for every collection of the folder that --beir-dir or the variable names.
LOCAL = "$BINBENCH_BEIR_DIR/*"

_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True}
_HOURS = {"type": "number", "exclusiveMinimum": 0}
_BUDGETS = {
    "embedding_green": 20,
    "embedding_yellow": 30,
    "embedding_red": 35,
    "ground_truth_green": 50,
    "study_cap": 65,
}
_CONDITIONS = (
    "modes",
    "seeds",
    "runs",
    "threads",
    "jobs",
    "timeout",
    "memory_limit",
    "split",
    "device",
    "precision",
    "source_seed",
    "plugins",
)

#: JSON schema of a study's campaign file; the conditions are those of `binbench run --config`.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tiers"],
    "properties": {
        "tiers": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["datasets", "encoders", "algorithms"],
                "properties": {
                    "tier": {"type": "integer", "minimum": 1},
                    "datasets": _NAMES,
                    "encoders": _NAMES,
                    "algorithms": _NAMES,
                },
            },
        },
        "reference_device": {"type": "string", "minLength": 1, "default": "A100"},
        "budgets": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _HOURS | {"default": hours} for name, hours in _BUDGETS.items()},
            "default": {},
        },
        "hypotheses": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
        **{name: RUN_SCHEMA["properties"][name] for name in _CONDITIONS},
    },
}


@dataclass(frozen=True)
class Tier:
    """One block of the grid.

    Attributes:
        number: of the tier; several blocks may share it.
        datasets, encoders: every one with every other.
        algorithms: instances, families or globs.
    """

    number: int
    datasets: tuple[str, ...]
    encoders: tuple[str, ...]
    algorithms: tuple[str, ...]


@dataclass(frozen=True)
class StudyCampaign:
    """A checked campaign.

    Attributes:
        path: its file.
        tiers: in the order of their numbers.
        resolved: everything else, defaults spelt out.
        beir_dir: where local collections are.
    """

    path: Path
    tiers: tuple[Tier, ...]
    resolved: dict[str, Any]
    beir_dir: Path | None = None

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def budgets(self) -> dict[str, float]:
        """Hours, by what they are for."""
        return _BUDGETS | self.resolved["budgets"]

    def preparations(self, tier: Tier, data_dir: Path) -> list[Preparation]:
        """The embedding sets of `tier`."""
        given = self.resolved
        source = SourceOptions.from_environment(split=given["split"], beir_dir=self.beir_dir, seed=given["source_seed"])
        return [
            Preparation(dataset, EncoderOptions(encoder, given["device"], given["precision"]), source, data_dir)
            for dataset in tier.datasets
            for encoder in tier.encoders
        ]

    def options(self, results_dir: Path, force: bool = False) -> RunOptions:
        """The conditions of the runs."""
        given = self.resolved
        return RunOptions(
            modes=tuple(given["modes"]),
            seeds=tuple(given["seeds"]),
            **{key: given[key] for key in ("runs", "threads", "jobs", "timeout", "memory_limit")},
            force=force,
            results_dir=results_dir,
            plugins=tuple(Path(plugin) for plugin in given["plugins"]),
            hypotheses=tuple(given["hypotheses"]),
        )


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
    path = known.get(name_or_path) or Path(name_or_path).expanduser()
    if not path.is_file() and path.suffix not in (".yml", ".yaml"):
        raise unknown("campaign", name_or_path, known, f"; there are {', '.join(known)}, or give a YAML file")
    content, at = read_checked(path, SCHEMA)
    resolved = {key: content.get(key, prop.get("default")) for key, prop in SCHEMA["properties"].items()}
    resolved["plugins"] = load_plugins(path, resolved["plugins"], lambda i: at("plugins", i))
    beir_dir = SourceOptions.from_environment(beir_dir=beir_dir).beir_dir
    tiers = []
    for i, block in enumerate(resolved.pop("tiers")):
        check_names(
            block | {"datasets": [name for name in block["datasets"] if name != LOCAL]},
            # The local collections stand for names that exist, so that only the others are looked up, each on its line.
            lambda key, j, i=i, block=block: at("tiers", i, key, block[key].index(_nth_other(block[key], j))),
            beir_dir,
        )
        datasets = [
            name
            for given in block["datasets"]
            for name in (_local(beir_dir, at("tiers", i, "datasets")) if given == LOCAL else [given])
        ]
        tiers.append(
            Tier(
                block.get("tier", i + 1),
                tuple(dict.fromkeys(datasets)),
                tuple(block["encoders"]),
                tuple(block["algorithms"]),
            )
        )
    return StudyCampaign(path, tuple(sorted(tiers, key=lambda tier: tier.number)), resolved, beir_dir)


def _nth_other(names: list[str], n: int) -> str:
    return [name for name in names if name != LOCAL][n]


def _local(beir_dir: Path | None, where: str) -> list[str]:
    if beir_dir is None:
        raise UserError(f"{where}: {LOCAL} needs --beir-dir or BINBENCH_BEIR_DIR, the folder of BEIR collections")
    found = sorted(path.parent.name for path in beir_dir.glob("*/corpus.jsonl"))
    if not found:
        raise UserError(f"{where}: {beir_dir} holds no collections (NAME/corpus.jsonl)")
    return found
