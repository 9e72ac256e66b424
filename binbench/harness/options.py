"""Every option of a run, once: its type, default, limits and help text.

The command line (:mod:`binbench.cli.options`), campaign files (:mod:`binbench.harness.config`), studies, jobs, their
JSON, the names of their results and what makes these stale are made from the fields of the models here. A new option is
one field and its use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from binbench.errors import UserError
from binbench.sets import DEFAULT_ENCODER, Metric, Precision

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from binbench.plugins.registry import Instance
    from binbench.sets.prepare import Preparation

Mode = Literal["batch", "single"]
T = TypeVar("T")


def _different(values: tuple[T, ...]) -> tuple[T, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} is given twice")
    return values


def _some_or_all(value: Any) -> Any:
    if value != "all" and (type(value) is not int or value < 1):
        raise ValueError(f"neither a number of documents nor all: {value!r}")
    return value


# Strict: in a file, 2.0 repeats, a seed called true and 3600 seconds in quotes are slips.
# The limits are those of the libraries, which count with 32 bits.
Count = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
Seed = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
Bytes = Annotated[int, Field(strict=True, ge=1)]
Documents = Annotated[int | Literal["all"], BeforeValidator(_some_or_all)]
Amount = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
Several = Annotated[tuple[T, ...], AfterValidator(_different)]
Some = Annotated[tuple[T, ...], Field(min_length=1), AfterValidator(_different)]


@dataclass(frozen=True)
class Shown:
    """How a field shows outside of its model, where that does not follow from the field.

    Attributes:
        option: its name on the command line, without dashes; "" for the field's own name, None for none at all.
        repeated: of a list: the option takes one or several, comma-separated, and may be given again; others take one.
        every: a word that stands for all of the option's choices.
        variable: the environment variable that the option falls back on.
        size: a number of bytes that people write as 2G.
        in_file: whether campaign files state it.
        in_place: of a condition: whether it is part of the result file's name, where it is not the default.
    """

    option: str | None = ""
    repeated: bool = False
    every: str = ""
    variable: str = ""
    size: bool = False
    in_file: bool = True
    in_place: bool = True


def shown(field: FieldInfo) -> Shown:
    """How `field` shows."""
    return next((one for one in field.metadata if isinstance(one, Shown)), Shown())


def unwrapped(annotation: Any, limits: Sequence[Any] = ()) -> tuple[Any, list[Any], bool]:
    """What a field holds: the type behind None, tuples and Annotated; its limits; whether it is a tuple of such."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = [limit for one in inside[1:] for limit in getattr(one, "metadata", [one])]
        return unwrapped(inside[0], [*limits, *own])
    if origin is tuple:
        return *unwrapped(inside[0])[:2], True
    if origin in (Union, UnionType):
        return unwrapped(next(one for one in inside if one is not type(None)), limits)
    return annotation, list(limits), False


class Options(BaseModel):
    """Fields that cannot change, and no others."""

    # The validator is built when it is first needed: `--help` needs the fields only.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def shared(self, model: type[BaseModel]) -> dict[str, Any]:
        """The values of those fields that `model` has too, to make one from."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in model.model_fields}

    @classmethod
    def file_keys(cls) -> dict[str, FieldInfo]:
        """The fields that a campaign file may state, by the names they have there."""
        return {field.alias or name: field for name, field in cls.model_fields.items() if shown(field).in_file}


class Conditions(Options):
    """What a job is run under and its result depends on; None stands for what jobs did before there was the option."""

    # More repeats say the same more precisely: they take the place of fewer.
    runs: Annotated[Count, Shown(in_place=False)] = Field(default=5, description="Timed repeats.")
    threads: Count = Field(default=1, description="For every numeric library.")
    max_train: Count | None = Field(
        default=None, description="Documents that methods learn from, at most. [default: as many as faiss would take]"
    )


class RunSettings(Conditions):
    """How jobs are run, as every kind of campaign states it."""

    plugins: Annotated[Several[Path], Shown("plugin", repeated=True)] = Field(
        default=(), description="A Python file that registers plugins; repeatable."
    )
    seeds: Annotated[Some[Seed], Shown("seed")] = Field(default=(0,), description="Seed of everything random.")
    seeds_of: Annotated[dict[Name, Some[Seed]], Shown(None)] = Field(
        default={}, description="Seeds of families of methods, by their names, instead of those."
    )
    modes: Annotated[Some[Mode], Shown("mode", every="both")] = Field(default=("batch",))
    jobs: Count = Field(default=1, description="Jobs at the same time.")
    timeout: Amount | None = Field(default=3600, description="Seconds a job.")
    memory_limit: Annotated[Bytes | None, Shown(size=True)] = Field(default=None, description="Per job, such as 2G.")

    def seeds_for(self, instance: Instance) -> tuple[int | None, ...]:
        """The seeds that a method is run with; None alone for one that takes none."""
        return self.seeds_of.get(instance.family.name, self.seeds) if instance.seeded else (None,)


class RunOptions(RunSettings):
    """How jobs are run. Every method is run with every count, mode and seed, one without a seed once.

    No `counts` mean 100, or all documents of a smaller set or subset; no `timeout` or `memory_limit` (bytes) no limit.
    """

    results_dir: Annotated[Path, Shown(variable="BINBENCH_RESULTS", in_file=False)] = Field(
        default=Path("results"), description="Where result files live ($BINBENCH_RESULTS)."
    )
    counts: Annotated[Several[Count], Shown("count")] = Field(
        default=(), description="Neighbours per query. [default: 100]"
    )
    documents: Annotated[Several[Documents], Shown(repeated=True)] = Field(
        default=("all",),
        description="Measure on nested random subsets of so many documents, such as 1000,4000,all; repeatable.",
    )
    hypotheses: Annotated[Several[Name], Shown(None)] = Field(
        default=(), description="Ids such as H1 that travel with the results."
    )
    force: Annotated[bool, Shown(in_file=False)] = Field(default=False, description="Measure anew what exists.")

    def conditions(self) -> dict[str, Any]:
        """Those of a job."""
        return self.shared(Conditions)

    def sizes(self, documents: int) -> tuple[int | None, ...]:
        """The subsets of a set of so many `documents` to measure on; None for all of them, as for more than it has."""
        wanted = self.documents or ("all",)
        return tuple(dict.fromkeys(None if n == "all" or n >= documents else n for n in wanted))


class SetSettings(Options):
    """How embedding sets are made, as every kind of campaign states it."""

    device: str | None = Field(default=None, description="Torch device to encode on, such as cpu or cuda:0.")
    precision: Precision = Field(
        default="fp32",
        description="Of the encoder's weights and activations; auto: bf16 where it is safe and fast.",
    )
    max_tokens: Count | None = Field(default=None, description="Cut texts here instead of at the encoder's own limit.")
    split: str | None = Field(default=None, description="The qrels split. [default: the dataset's own]")
    beir_dir: Annotated[Path | None, Shown(variable="BINBENCH_BEIR_DIR", in_file=False)] = Field(
        default=None, description="Unpacked BEIR collections ($BINBENCH_BEIR_DIR)."
    )
    source_seed: Annotated[Seed, Shown("seed")] = Field(default=0, description="Seed of everything random.")


class SetOptions(SetSettings):
    """Which embedding sets: every dataset with every encoder."""

    datasets: Annotated[Several[Name], Shown("dataset", repeated=True)] = Field(
        default=(),
        description="A registered name, a BEIR-layout folder, a file of vectors, or a comma-separated list.",
    )
    train: Name | None = Field(
        default=None, description="A file (or folder) of your document vectors, instead of --dataset."
    )
    queries: Name | None = Field(default=None, description="The file of query vectors that goes with --train.")
    hold_out: Count | None = Field(default=None, description="Draw so many of your vectors as queries instead.")
    column: Name | None = Field(default=None, description="The column (or tensor) of vectors.")
    metric: Metric | None = Field(
        default=None, description="How your vectors are ranked. [default: as an HDF5 file says, or by cosine]"
    )
    encoders: Annotated[Some[Name], Shown("encoder", repeated=True)] = Field(
        default=(DEFAULT_ENCODER,),
        description="A recipe, RECIPE=FOLDER, lsa<d>, a sentence-transformers folder or hub id.",
    )
    data_dir: Annotated[Path, Shown(variable="BINBENCH_DATA", in_file=False)] = Field(
        default=Path("data"), description="Where embedding sets live ($BINBENCH_DATA)."
    )

    def preparations(self) -> list[Preparation]:
        """The embedding sets, found or still to be made.

        Raises:
            UserError: contradictory or missing options, or an unknown dataset.
        """
        from binbench.sets.corpus import SourceOptions
        from binbench.sets.own_vectors import VectorOptions
        from binbench.sets.prepare import EncoderOptions, Preparation
        from binbench.sets.vector_files import ENDINGS, holds_vectors

        if self.queries and not self.train:
            raise UserError("--queries needs --train: the file of document vectors")
        if self.train and not holds_vectors(self.train):
            raise UserError(f"--train {self.train}: files of vectors end in {', '.join(ENDINGS)}")
        wanted = [*self.datasets, *([self.train] if self.train else [])]
        if not wanted:
            raise UserError(
                "nothing to work on: give --dataset NAME (see `binbench list datasets`) or --train and --queries"
            )
        source = SourceOptions.from_environment(split=self.split, beir_dir=self.beir_dir, seed=self.source_seed)
        return [
            Preparation(
                dataset,
                EncoderOptions(encoder, self.device, self.precision, self.max_tokens),
                source,
                self.data_dir,
                VectorOptions(self.queries if dataset == self.train else None, self.hold_out, self.metric, self.column),
            )
            for dataset in known_datasets(wanted)
            for encoder in self.encoders
        ]


def known_datasets(names: Sequence[str]) -> list[str]:
    """`names` with globs and families of registered datasets spelt out; paths pass through.

    Raises:
        UserError: a glob fits none.
    """
    from binbench.plugins.registry import DATASETS

    chosen: list[str] = []
    for name in names:
        is_glob = any(c in name for c in "*?[") and "/" not in name
        is_family = any(family.name == name and family.grid for family in DATASETS.families())
        chosen += [i.name for i in DATASETS.resolve([name])] if is_glob or is_family else [name]
    return list(dict.fromkeys(chosen))


def explained(error: Any) -> str:
    """One of pydantic's errors as the end of a sentence that begins with the field's name."""
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    given = error["input"]
    is_told = error["type"] in ("missing", "value_error") or not isinstance(given, str | int | float | None)
    return message if is_told else f"{message}, not {repr(given)[:100]}"
