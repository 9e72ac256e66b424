"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from binbench.errors import UserError
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import DEFAULT_ENCODER, check_encoder
from binbench.sets.prepare import EncoderOptions, Preparation

F = TypeVar("F", bound=Callable[..., Any])


class Folder(click.ParamType):
    """A path, ``~`` expanded."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return Path(value).expanduser()


def _stack(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


data_dir = click.option(
    "--data-dir",
    type=Folder(),
    default="data",
    envvar="BINBENCH_DATA",
    show_default=True,
    help="Where embedding sets live ($BINBENCH_DATA).",
)
results_dir = click.option(
    "--results-dir",
    type=Folder(),
    default="results",
    envvar="BINBENCH_RESULTS",
    show_default=True,
    help="Where result files live ($BINBENCH_RESULTS).",
)
plugins = click.option(
    "--plugin", "plugins", multiple=True, type=Folder(), help="A Python file that registers plugins; repeatable."
)
seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of everything random.")

algorithms = click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    required=True,
    help="Instances, families, globs, all, or a comma-separated list of these; repeatable.",
)
encoding = _stack(
    click.option(
        "--encoder",
        default=DEFAULT_ENCODER,
        show_default=True,
        help="A recipe, RECIPE=FOLDER, lsa<d>, a sentence-transformers folder or hub id.",
    ),
    click.option("--device", help="Torch device to encode on, such as cpu or cuda:0."),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "bf16", "fp16"]),
        default="fp32",
        show_default=True,
        help="Of the encoder's weights and activations.",
    ),
    click.option("--max-tokens", type=click.IntRange(1), help="Cut texts here instead of at the encoder's own limit."),
)

preparing = _stack(
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        help="A registered name, a BEIR-layout folder, an HDF5 file, or a comma-separated list; repeatable.",
    ),
    click.option("--train", help="A .npy file of your document vectors, instead of --dataset."),
    click.option("--queries", help="The .npy file of query vectors that goes with --train."),
    click.option(
        "--encoder",
        "encoders",
        multiple=True,
        help=f"A recipe, RECIPE=FOLDER, lsa<d>, a sentence-transformers folder or hub id. [default: {DEFAULT_ENCODER}]",
    ),
    click.option("--device", help="Torch device to encode on, such as cpu or cuda:0."),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "bf16", "fp16"]),
        default="fp32",
        show_default=True,
        help="Of the encoder's weights and activations.",
    ),
    click.option("--max-tokens", type=click.IntRange(1), help="Cut texts here instead of at the encoder's own limit."),
    click.option("--split", help="The qrels split. [default: the dataset's own]"),
    click.option(
        "--beir-dir", type=Folder(), envvar="BINBENCH_BEIR_DIR", help="Unpacked BEIR collections ($BINBENCH_BEIR_DIR)."
    ),
    data_dir,
)


def preparations(
    datasets: Sequence[str],
    encoders: Sequence[str],
    *,
    train: str | None = None,
    queries: str | None = None,
    device: str | None = None,
    precision: Any = "fp32",
    max_tokens: int | None = None,
    split: str | None = None,
    beir_dir: Path | None = None,
    data_dir: Path = Path("data"),
    seed: int = 0,
) -> list[Preparation]:
    """The embedding sets that the shared options ask for: every dataset with every encoder.

    Raises:
        UserError: contradictory or missing options, or an unknown dataset.
    """
    if queries and not train:
        raise UserError("--queries needs --train: the .npy file of document vectors")
    if train and not train.endswith(".npy"):
        raise UserError(f"--train {train}: give a .npy file; other formats go to --dataset")
    wanted = split_list(datasets) + ([train] if train else [])
    if not wanted:
        raise UserError(
            "nothing to work on: give --dataset NAME (see `binbench list datasets`) or --train and --queries"
        )
    source = SourceOptions.from_environment(split=split, beir_dir=beir_dir, seed=seed)
    return [
        Preparation(
            dataset,
            EncoderOptions(encoder, device, precision, max_tokens),
            source,
            data_dir,
            queries if train else None,
        )
        for dataset in _known_datasets(wanted)
        for encoder in split_list(encoders) or [DEFAULT_ENCODER]
    ]


def encoder_options(*, encoder: str, device: str | None, precision: Any, max_tokens: int | None) -> EncoderOptions:
    """The encoder that the options of `encoding` ask for.

    Raises:
        UserError: there is none of that name.
    """
    check_encoder(encoder)
    return EncoderOptions(encoder, device, precision, max_tokens)


def load_plugins(plugins: Sequence[Path]) -> None:
    """Register the algorithms, datasets and encoders of the files that the user named."""
    from binbench.plugins.registry import load_file

    for plugin in plugins:
        load_file(plugin)


def status_of(rows: Sequence[Any]) -> int:
    """The exit status: 1, after a line on stderr for each, when rows with `name`, `status` and `reason` failed."""
    failed = [row for row in rows if row.status == "failed"]
    for row in failed:
        click.echo(f"binbench: {row.name} failed: {row.reason}", err=True)
    return 1 if failed else 0


def split_list(values: Sequence[str]) -> list[str]:
    """The different parts of comma-separated lists, in order."""
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


def _known_datasets(names: Sequence[str]) -> list[str]:
    """`names` with globs and families of registered datasets spelt out; paths pass through."""
    from binbench.plugins.registry import DATASETS

    chosen: list[str] = []
    for name in names:
        is_glob = any(c in name for c in "*?[") and "/" not in name
        is_family = any(family.name == name and family.grid for family in DATASETS.families())
        chosen += [i.name for i in DATASETS.resolve([name])] if is_glob or is_family else [name]
    return list(dict.fromkeys(chosen))
