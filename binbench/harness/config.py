"""Campaign files: a matrix of sets, methods and conditions in YAML, checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from binbench.errors import UserError, unknown
from binbench.files import atomic, path_of
from binbench.harness.options import (
    Name,
    Options,
    RunOptions,
    SetOptions,
    Shown,
    Some,
    explained,
    known_datasets,
    shown,
    unwrapped,
)
from binbench.plugins.registry import ALGORITHMS, load_file
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import check_encoder

M = TypeVar("M", bound=Options)
#: From the path of a value in a file to ``FILE:LINE``.
Locate = Callable[..., str]
#: Values in a campaign file, aliases written out.
LARGEST = 100_000


class Campaign(RunOptions, SetOptions):
    """A checked campaign file, with what the command line says beside it."""

    path: Annotated[Path, Shown(None, in_file=False)]
    algorithms: Some[Name] = Field(description="Instances, families, globs, all.")

    def store(self) -> Path:
        """Write the campaign, every default spelt out, beside the results it leads to."""
        path = self.results_dir / "campaigns" / f"{self.path.stem}.yml"
        with atomic(path) as temporary:
            temporary.write_text(spelt_out(self))
        return path


def spelt_out(campaign: Options) -> str:
    """What the file of `campaign` could state, as YAML, every default spelt out."""
    import yaml

    names = {name for name, field in type(campaign).model_fields.items() if shown(field).in_file}
    return yaml.safe_dump(campaign.model_dump(mode="json", include=names, by_alias=True), sort_keys=False)


def load_campaign(path: Path, beside: Mapping[str, Any]) -> Campaign:
    """Read and check the campaign file `path`; `beside` holds the fields that no file states.

    Raises:
        UserError: no such file, no YAML, an unknown key, a wrong type, an unknown name; with file and line.
    """
    campaign, at = read_checked(path, Campaign, beside)
    if not campaign.datasets and not campaign.train:
        raise UserError(f"{at()}: datasets: field required")
    campaign = campaign.model_copy(update={"plugins": load_plugins(path, campaign.plugins, at)})
    check_seeds(campaign.seeds_of, at)
    check_names(campaign.algorithms, campaign.datasets, campaign.encoders, at, campaign.beir_dir)
    return campaign


def read_checked(path: Path, model: type[M], beside: Mapping[str, Any]) -> tuple[M, Locate]:
    """The campaign file `path` as a `model`, and where its values stand.

    Args:
        path: the file; becomes the model's field of that name.
        model: its fields are the file's keys.
        beside: fields that no file states.

    Raises:
        UserError: no such file, no YAML, a key that is unknown or given twice, a wrong type; with file and line.
    """
    import yaml

    if not path.is_file():
        raise UserError(f"campaign file {path} does not exist")
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text)
        _check_size(path, tree)
        content = yaml.safe_load(text)
    except OSError as error:
        raise UserError(f"cannot read campaign file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8 text") from error
    except RecursionError:
        raise UserError(f"{path}: nested too deeply for a campaign") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(content, dict):
        needed = [key for key, field in model.file_keys().items() if field.is_required()]
        raise UserError(f"{path}: a campaign is a mapping with at least {' and '.join(needed)}")
    for key, line in _given_twice(tree):
        raise UserError(f"{path}:{line + 1}: {key} is given twice")
    at = _locator(path, tree)
    _check_keys(content, model, at)
    try:
        return model.model_validate({**content, **beside, "path": path}), at
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{at(*first['loc'])}: {where}: {explained(first)}") from error


def load_plugins(path: Path, plugins: Sequence[Path], at: Locate) -> tuple[Path, ...]:
    """Load the plugin files named in the campaign file `path`, relative to its folder; their full paths."""
    resolved = tuple(
        _check(at("plugins", i), path_of, path.parent / plugin).resolve() for i, plugin in enumerate(plugins)
    )
    for i, plugin in enumerate(resolved):
        _check(at("plugins", i), load_file, plugin)
    return resolved


def check_names(
    algorithms: Sequence[str], datasets: Sequence[str], encoders: Sequence[str], at: Locate, beir_dir: Path | None
) -> None:
    """See that all of these exist; `at` locates each by its key and its place.

    Raises:
        UserError: one does not; with file and line.
    """
    from binbench.sets.prepare import check_dataset

    source = SourceOptions.from_environment(beir_dir=beir_dir)
    for i, name in enumerate(algorithms):
        _check(at("algorithms", i), ALGORITHMS.resolve, [name])
    for i, name in enumerate(datasets):
        for one in _check(at("datasets", i), known_datasets, [name]):
            _check(at("datasets", i), check_dataset, one, source)
    for i, name in enumerate(encoders):
        _check(at("encoders", i), check_encoder, name)


def check_seeds(seeds_of: Iterable[str], at: Locate) -> None:
    """See that the families of methods that have seeds of their own exist.

    Raises:
        UserError: one does not; with file and line.
    """
    families = [family.name for family in ALGORITHMS.families()]
    for name in seeds_of:
        if name not in families:
            raise UserError(f"{at('seeds_of', name)}: {unknown('family of methods', name, families)}")


def _check(where: str, look: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return look(*arguments)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _check_keys(content: Mapping[Any, Any], model: type[Options], at: Locate, *steps: Any) -> None:
    """Refuse keys of `content`, which stands at `steps`, that `model` or a model in its fields does not have."""
    known = model.file_keys()
    for key, value in content.items():
        if key not in known:
            raise UserError(f"{at(*steps, key)}: {unknown('key', str(key), known)}")
        inner = unwrapped(known[key].annotation)[0]
        if isinstance(inner, type) and issubclass(inner, Options):
            parts = enumerate(value) if isinstance(value, list) else [(None, value)]
            for i, part in parts:
                if isinstance(part, dict):
                    _check_keys(part, inner, at, *steps, key, *([] if i is None else [i]))


def _check_size(path: Path, tree: Any) -> None:
    """Refuse what aliases blow up: a list that repeats a list that repeats a list …"""
    import yaml

    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = 1  # while it is looked at: what holds itself is refused for its type
            parts = node.value if isinstance(node, yaml.CollectionNode) else []
            flat = chain.from_iterable(parts) if isinstance(node, yaml.MappingNode) else parts
            sizes[id(node)] = 1 + sum(map(size, flat))
        return sizes[id(node)]

    if tree is not None and size(tree) > LARGEST:
        raise UserError(f"{path}: more than {LARGEST:,} values, its aliases written out: too many for a campaign")


def _given_twice(tree: Any) -> Iterator[tuple[str, int]]:
    """Keys that stand twice in one mapping, with the second one's line, counted from 0."""
    import yaml

    # A mapping that an alias repeats, or holds itself, is looked at once.
    left, seen = [tree], set()
    while left:
        node = left.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in names:
                        yield key.value, key.start_mark.line
                    names.add(key.value)
                left.append(value)
        elif isinstance(node, yaml.SequenceNode):
            left += node.value


def _locator(path: Path, tree: Any) -> Locate:
    """A function from the path of a value in the file to ``FILE:LINE``."""

    def locate(*steps: Any) -> str:
        node, line = tree, tree.start_mark.line
        for step in steps:
            found = next(_children(node, step), None)
            if found is None:
                break
            node, line = found
        return f"{path}:{line + 1}"

    return locate


def _children(node: Any, step: Any) -> Iterator[tuple[Any, int]]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        yield from ((value, key.start_mark.line) for key, value in node.value if key.value == str(step))
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        yield node.value[step], node.value[step].start_mark.line
