"""Options that several verbs share, made from the models in :mod:`binbench.harness.options`."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

import click
from pydantic import ValidationError

from binbench.errors import UserError
from binbench.files import path_of
from binbench.harness.options import Options, RunOptions, SetOptions, Shown, explained, shown, unwrapped

if TYPE_CHECKING:
    from binbench.sets.prepare import EncoderOptions, Preparation

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound=Options)

_MULTIPLES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}
_AMOUNT = r"(\d+(?:\.\d+)?(?:e\d\d?)?)\s*"


class Folder(click.ParamType):
    """A path, ``~`` expanded."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return path_of(value)


class Size(click.ParamType):
    """Bytes, with a unit as GNU tools read them: GB are 1000³, G and GiB 1024³; likewise K, M and T."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(_AMOUNT + "([kmgt]?)((?<=[kmgt])ib|b)?", str(value).lower())
        if match is None:
            raise UserError(f"size {value!r} is not a number of bytes such as 500M or 2G")
        base = 1000 if match[3] == "b" else 1024
        return int(float(match[1]) * base ** " kmgt".index(match[2] or " "))


class Number(click.ParamType):
    """A number of documents such as 250000, 200k or 10M."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(_AMOUNT + "([kmbg]?)", str(value).replace(",", "").replace("_", "").lower())
        if found is None or (count := round(float(found[1]) * _MULTIPLES[found[2]])) < 1:
            raise UserError(f"number of documents {value!r}: expected one such as 250000, 200k or 10M")
        return count


def _stack(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def option(model: type[Options], name: str, repeated: bool | None = None) -> Callable[[F], F]:
    """The click option of a field.

    Args:
        model: has the field.
        name: of the field; the parameter is called so too where the option is repeated, and as the option elsewhere.
        repeated: None for what the field says.
    """
    field = model.model_fields[name]
    how = shown(field)
    kind, limits, is_list = unwrapped(field.annotation, field.metadata)
    if kind is bool:
        return click.option(_flag(name, how), is_flag=True, help=field.description)
    repeated = how.repeated if repeated is None else repeated
    default = field.default[0] if is_list and field.default and not repeated else field.default or None
    return click.option(
        _flag(name, how),
        name if repeated else _parameter(name, how),
        multiple=repeated,
        type=_type(kind, limits, how),
        default=default,
        show_default=default is not None,
        envvar=how.variable or None,
        help=field.description,
    )


def of(model: type[Options], first: Sequence[str] = (), without: Collection[str] = ()) -> Callable[[F], F]:
    """An option for every field of `model` that has one, those of `first` first, but for those `without`."""
    names = [name for name, field in model.model_fields.items() if shown(field).option is not None]
    return _stack(*(option(model, name) for name in dict.fromkeys([*first, *names]) if name not in without))


def asked(model: type[M], chosen: Mapping[str, Any]) -> M:
    """The `model` that the parameters of its options ask for; `chosen` may hold others too.

    Raises:
        UserError: a value that the options let through makes no sense.
    """
    values = {}
    for name, field in model.model_fields.items():
        how = shown(field)
        parameter = name if how.repeated else _parameter(name, how)
        if parameter in chosen:
            value = chosen[parameter]
            kind, _, is_list = unwrapped(field.annotation)
            if how.repeated:
                value = list(dict.fromkeys(value)) if kind is Path else split_list(value)
                value = [int(one) if kind is int and one.isdecimal() else one for one in value]
            elif is_list:
                value = get_args(kind) if how.every and value == how.every else [] if value is None else [value]
            values[name] = value
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UserError(f"{_flag(name, shown(model.model_fields[name]))}: {explained(first)}") from error


def _flag(name: str, how: Shown) -> str:
    return f"--{(how.option or name).replace('_', '-')}"


def _parameter(name: str, how: Shown) -> str:
    return how.option or name


def _type(kind: Any, limits: Sequence[Any], how: Shown) -> Any:
    if how.size:
        return Size()
    if kind is Path:
        return Folder()
    if how.repeated:
        return str  # one or several in a list: the model looks at each
    if get_origin(kind) is Literal:
        return click.Choice([*get_args(kind), *([how.every] if how.every else [])])
    at_least = next((limit.ge for limit in limits if hasattr(limit, "ge")), None)
    above = next((limit.gt for limit in limits if hasattr(limit, "gt")), None)
    if kind is int and at_least is not None:
        return click.IntRange(at_least, next((limit.le for limit in limits if hasattr(limit, "le")), None))
    if kind is float and above is not None:
        return click.FloatRange(above, min_open=True)
    return kind


def examples(*lines: str) -> str:
    """The end of a verb's help: commands that can be pasted as they stand."""
    return "\b\nExamples:\n" + "\n".join(f"  binbench {line}" for line in lines)


data_dir = option(SetOptions, "data_dir")
results_dir = option(RunOptions, "results_dir")
plugins = option(RunOptions, "plugins")
seed = option(RunOptions, "seeds")

algorithms = click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    required=True,
    help="Instances, families, globs, all, or a comma-separated list of these; repeatable.",
)
encoding = _stack(
    option(SetOptions, "encoders", repeated=False),
    *(option(SetOptions, name) for name in ("device", "precision", "max_tokens")),
)
preparing = of(
    SetOptions,
    first=("datasets", "train", "queries", "hold_out", "metric", "column", "encoders"),
    without=("source_seed",),
)
running = of(RunOptions, first=("results_dir", "plugins", "seeds", "counts", "modes"))


def preparations(**chosen: Any) -> list[Preparation]:
    """The embedding sets that the options of `preparing` and `seed` ask for: every dataset with every encoder.

    Raises:
        UserError: contradictory or missing options, or an unknown dataset.
    """
    return asked(SetOptions, chosen).preparations()


def encoder_options(*, encoder: str, device: str | None, precision: Any, max_tokens: int | None) -> EncoderOptions:
    """The encoder that the options of `encoding` ask for.

    Raises:
        UserError: there is none of that name.
    """
    from binbench.sets.encoders import check_encoder
    from binbench.sets.prepare import EncoderOptions

    check_encoder(encoder)
    return EncoderOptions(encoder, device, precision, max_tokens)


def clustered(function: F) -> F:
    """Options for handing out what the command does to a Dask cluster."""

    @functools.wraps(function)
    def inside(*arguments: Any, cluster: str | None, cluster_data: str, allow_versions: bool, **chosen: Any) -> Any:
        from binbench.cluster import connected

        with connected(cluster, cluster_data, allow_versions):
            return function(*arguments, **chosen)

    return _stack(
        click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler to hand work out to, or local:N."),
        click.option("--cluster-data", default="", help="--data-dir as workers see it: a path or fsspec URL."),
        click.option(
            "--allow-versions", is_flag=True, help="Let workers have other versions of binbench, faiss, numpy."
        ),
    )(inside)  # type: ignore[return-value]


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
    """The different parts of comma-separated lists, in order; see :func:`binbench.plugins.registry.listed`.

    What is the path of something (in ``NAME=FOLDER`` the folder is) stays whole.
    """
    from binbench.plugins.registry import listed

    found: list[str] = []
    for value in values:
        pieces, names = value.split(","), list[str]()
        while pieces:
            n = next((n for n in range(len(pieces), 1, -1) if _is_path(",".join(pieces[:n]).strip())), 0)
            if n:
                found += [*listed(",".join(names)), ",".join(pieces[:n]).strip()]
                names = []
            else:
                names.append(pieces[0])
            del pieces[: n or 1]
        found += listed(",".join(names))
    return list(dict.fromkeys(filter(None, found)))


def _is_path(text: str) -> bool:
    return any(os.path.lexists(path_of(path)) for path in (text, text.partition("=")[2]) if path)
