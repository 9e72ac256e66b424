"""What vector stores call our methods, from `databases.yml`: a page, and the settings for one method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from pydantic import BaseModel, ConfigDict

from binbench.errors import unknown
from binbench.plugins.family import Instance
from binbench.plugins.registry import ALGORITHMS
from binbench.tasks.candidates import Candidate

_HEAD = """# In your database

Written from `binbench/report/databases.yml` by `binbench.report.databases.databases_markdown`; a test keeps it so. It
holds what their documentation says, in the version named; what could not be confirmed there is left out. The column
*tried* says where the settings ran, as they stand, over real vectors, or what program read them; where it is empty they
are the documentation's alone. Qualities are not those of these systems: binbench measures quantizers, exhaustively, and
most systems put a graph or lists on top, which lose a little more and are faster. `binbench recommend --for qdrant`
fills the settings in for what it picks.
"""


class Entry(BaseModel):
    """A method's name and settings in a system.

    Attributes:
        methods: families of ours.
        parameters: what the instance's have to be.
        call: what it is called there.
        settings: with ``$names`` of parameters.
        only: name → the values that the system takes.
        differs: from what we measure.
        tried: what the settings were given to, with its version; empty where nothing was at hand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    methods: tuple[str, ...]
    parameters: dict[str, int] = {}
    call: str
    settings: str
    only: dict[str, tuple[int, ...]] = {}
    differs: str
    tried: str = ""


class Database(BaseModel):
    """A system: its name, the version looked at, the page, where the settings belong, and what it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: str
    link: str
    setting: str
    entries: tuple[Entry, ...]


@cache
def databases() -> dict[str, Database]:
    """Every system by its short name."""
    import yaml

    text = files("binbench.report").joinpath("databases.yml").read_text(encoding="utf-8")
    return {name: Database(**held) for name, held in yaml.safe_load(text).items()}


def known_database(name: str) -> Database:
    """The system called `name`.

    Raises:
        UserError: there is none.
    """
    if name not in databases():
        raise unknown("database", name, databases(), f"; there are {', '.join(databases())}")
    return databases()[name]


def settings_for(database: str, method: str, dimension: int, arguments: Mapping[str, Any]) -> list[str]:
    """What to write in `database` for the instance `method`, in lines; says so where there is no counterpart.

    Args:
        database: a short name, such as ``qdrant``.
        method: an instance, such as ``pq32``.
        dimension: of the vectors.
        arguments: query-time ones, such as ``candidates``.

    Raises:
        UserError: there is no such system.
    """
    system, instance = known_database(database), ALGORITHMS.get(method)
    for entry in system.entries:
        filled = _filled(entry, instance, dimension, arguments)
        if filled is not None:
            return [
                f"In {system.name} ({system.version}) that is {entry.call}; {system.setting}:",
                f"  {filled['settings']}",
                f"  Differs from what was measured: {filled['differs']}. {system.link}",
                f"  Tried: {entry.tried or 'no, this is from the documentation alone'}.",
            ]
    return [f"{system.name}'s documentation names no counterpart of {method}; see docs/in-your-database.md."]


def settings_of(database: str, fitting: Sequence[Candidate], dimension: int) -> list[str]:
    """The settings for the first of `fitting`; where it has no counterpart, for the next that has one besides."""
    told = [(one.method, settings_for(database, one.instance, dimension, one.arguments)) for one in fitting]
    lines = told[0][1] if told else []
    if len(lines) == 1 and (others := [one for one in told if len(one[1]) > 1]):
        method, settings = others[0]
        lines += [f"Of what fits, {method} has one.", *settings]
    return lines


def _filled(entry: Entry, instance: Instance, dimension: int, arguments: Mapping[str, Any]) -> dict[str, str] | None:
    """The settings of `entry` for `instance`, and what differs; None where it is not of it."""
    parameters = instance.parameters
    if instance.family.name not in entry.methods or any(parameters.get(k) != v for k, v in entry.parameters.items()):
        return None
    values = {**parameters, **arguments, "dimension": dimension, "packed": -(-dimension // 8)}
    values["oversampling"] = max(1, arguments.get("candidates", 100) // 10)
    if "bits" in parameters:
        values["code_bytes"] = -(-parameters["bits"] // 8)
    if "bytes" in parameters:
        values["sub_vectors"], values["ratio"] = 2 * parameters["bytes"], 4 * dimension / parameters["bytes"]
    if any(values.get(name) not in allowed for name, allowed in entry.only.items()):
        return None
    values = {name: f"{value:g}" if isinstance(value, float) else value for name, value in values.items()}
    return {part: Template(getattr(entry, part)).substitute(values) for part in ("settings", "differs")}


def databases_markdown() -> str:
    """The page: a section a system, a row an entry."""
    return _HEAD + "".join(_section(system) for system in databases().values())


def _section(system: Database) -> str:
    head = f"\n## {system.name}\n\nVersion looked at: {system.version}. <{system.link}> Settings: {system.setting}.\n\n"
    return head + _table(system.entries)


def _table(entries: Sequence[Entry]) -> str:
    rows = ["| our method | called there | settings | what differs | tried |", "|---|---|---|---|---|"]
    for entry in entries:
        bound = "".join(f", {name} {value}" for name, value in entry.parameters.items())
        ours = ", ".join(f"`{name}`" for name in entry.methods) + bound
        settings = entry.settings.replace("|", "\\|")
        rows.append(f"| {ours} | {entry.call} | `{settings}` | {entry.differs} | {entry.tried} |")
    return "\n".join(rows) + "\n"
