"""Campaign files: a matrix of sets, methods and conditions in YAML, checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binbench.errors import UserError, unknown
from binbench.files import atomic
from binbench.harness.run import RunOptions
from binbench.plugins.registry import ALGORITHMS, load_file
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import DEFAULT_ENCODER, check_encoder
from binbench.sets.prepare import EncoderOptions, Preparation, check_dataset

_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True}
_COUNT = {"type": "integer", "minimum": 1}

#: JSON schema of a campaign file; `default` is what the resolved file states where the given one is silent.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["datasets", "algorithms"],
    "properties": {
        "datasets": _NAMES,
        "algorithms": _NAMES,
        "encoders": _NAMES | {"default": [DEFAULT_ENCODER]},
        "counts": {"type": "array", "items": _COUNT, "minItems": 1, "uniqueItems": True, "default": [100]},
        "modes": {
            "type": "array",
            "items": {"enum": ["batch", "single"]},
            "minItems": 1,
            "uniqueItems": True,
            "default": ["batch"],
        },
        "seeds": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 1,
            "uniqueItems": True,
            "default": [0],
        },
        "runs": _COUNT | {"default": 5},
        "threads": _COUNT | {"default": 1},
        "jobs": _COUNT | {"default": 1},
        "timeout": {"type": "number", "exclusiveMinimum": 0, "default": 3600},
        "memory_limit": {"type": ["integer", "null"], "minimum": 1, "default": None},
        "split": {"type": ["string", "null"], "default": None},
        "device": {"type": ["string", "null"], "default": None},
        "precision": {"enum": ["fp32", "bf16", "fp16"], "default": "fp32"},
        "source_seed": {"type": "integer", "minimum": 0, "default": 0},
        "plugins": _NAMES | {"minItems": 0, "default": []},
        "hypotheses": _NAMES | {"minItems": 0, "default": []},
    },
}


@dataclass(frozen=True)
class Campaign:
    """A checked campaign file, every default spelt out.

    Attributes:
        path: the file.
        resolved: its content with all defaults.
    """

    path: Path
    resolved: dict[str, Any]

    def preparations(self, data_dir: Path, beir_dir: Path | None) -> list[Preparation]:
        """The embedding sets: every dataset with every encoder."""
        given = self.resolved
        source = SourceOptions.from_environment(split=given["split"], beir_dir=beir_dir, seed=given["source_seed"])
        return [
            Preparation(dataset, EncoderOptions(encoder, given["device"], given["precision"]), source, data_dir)
            for dataset in given["datasets"]
            for encoder in given["encoders"]
        ]

    def options(self, results_dir: Path, force: bool) -> RunOptions:
        """The conditions of the runs."""
        given = self.resolved
        return RunOptions(
            counts=tuple(given["counts"]),
            modes=tuple(given["modes"]),
            seeds=tuple(given["seeds"]),
            runs=given["runs"],
            threads=given["threads"],
            jobs=given["jobs"],
            timeout=given["timeout"],
            memory_limit=given["memory_limit"],
            force=force,
            results_dir=results_dir,
            plugins=tuple(Path(plugin) for plugin in given["plugins"]),
            hypotheses=tuple(given["hypotheses"]),
        )

    def store(self, results_dir: Path) -> Path:
        """Write the resolved campaign beside the results it leads to."""
        import yaml

        path = results_dir / "campaigns" / f"{self.path.stem}.yml"
        with atomic(path) as temporary:
            temporary.write_text(yaml.safe_dump(self.resolved, sort_keys=False))
        return path


def load_campaign(path: Path, beir_dir: Path | None = None) -> Campaign:
    """Read and check the campaign file `path`.

    Raises:
        UserError: no such file, no YAML, an unknown key, a wrong type, an unknown name; with file and line.
    """
    content, at = read_checked(path, SCHEMA)
    properties = SCHEMA["properties"]
    resolved = {key: content.get(key, properties[key].get("default")) for key in properties}
    resolved["plugins"] = load_plugins(path, resolved["plugins"], lambda i: at("plugins", i))
    check_names(resolved, at, beir_dir)
    return Campaign(path, resolved)


def read_checked(path: Path, schema: dict[str, Any]) -> tuple[dict[str, Any], Callable[..., str]]:
    """The content of the campaign file `path`, checked against a JSON `schema`, and its locator.

    Returns:
        the mapping as it stands in the file, and a function from the path of a value in it to ``FILE:LINE``.

    Raises:
        UserError: no such file, no YAML, a key that is unknown or given twice, a wrong type; with file and line.
    """
    import yaml

    if not path.is_file():
        raise UserError(f"campaign file {path} does not exist")
    text = path.read_text(encoding="utf-8")
    try:
        content, tree = yaml.safe_load(text), yaml.compose(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: a campaign is a mapping with at least {' and '.join(schema['required'])}")
    at = _locator(path, tree)
    seen: set[str] = set()
    for key, _ in tree.value:  # type: ignore[union-attr]
        if key.value in seen:
            raise UserError(f"{path}:{key.start_mark.line + 1}: {key.value} is given twice")
        seen.add(key.value)
    _validate(content, schema, at)
    return content, at


def load_plugins(path: Path, plugins: list[str], at: Callable[[int], str]) -> list[str]:
    """Load the plugin files named in the campaign file `path`, relative to its folder; their full paths."""
    resolved = [str((path.parent / plugin).resolve()) for plugin in plugins]
    for i, plugin in enumerate(resolved):
        _check(lambda plugin=plugin: load_file(Path(plugin)), at(i))  # type: ignore[misc]
    return resolved


def check_names(matrix: dict[str, Any], at: Callable[..., str], beir_dir: Path | None) -> None:
    """See that the algorithms, datasets and encoders of `matrix` exist; `at` locates its values.

    Raises:
        UserError: one does not; with file and line.
    """
    for i, name in enumerate(matrix["algorithms"]):
        _check(lambda name=name: ALGORITHMS.resolve([name]), at("algorithms", i))  # type: ignore[misc]
    source = SourceOptions.from_environment(beir_dir=beir_dir)
    for i, name in enumerate(matrix["datasets"]):
        _check(lambda name=name: check_dataset(name, source), at("datasets", i))  # type: ignore[misc]
    for i, name in enumerate(matrix["encoders"]):
        _check(lambda name=name: check_encoder(name), at("encoders", i))  # type: ignore[misc]


def _validate(content: dict[str, Any], schema: dict[str, Any], at: Callable[..., str]) -> None:
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(schema).iter_errors(content), key=lambda error: list(map(str, error.path)))
    for error in errors:
        if error.validator == "additionalProperties" and isinstance(error.schema, dict):
            known = error.schema.get("properties", {})
            key = next(key for key in error.instance if key not in known)
            raise UserError(f"{at(*error.absolute_path, key)}: {unknown('key', str(key), known)}")
        where = ".".join(map(str, error.absolute_path))
        raise UserError(f"{at(*error.absolute_path)}: {where + ': ' if where else ''}{error.message}")


def _check(look: Callable[[], Any], where: str) -> None:
    try:
        look()
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _locator(path: Path, tree: Any) -> Callable[..., str]:
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
