"""What README, docs and docstrings show is what happens: commands, output, and the table of the main job."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import shlex
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from conftest import unit

from binbench.cli import cli, main
from binbench.plugins.identity import own_identity
from binbench.plugins.registry import DATASETS
from binbench.sets.embeddings import write_set
from binbench.sets.prepare import Preparation

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Pages whose Python sessions other tests run whole, and modules that show one.
SESSIONS = {"README.md", "python.md"}
MODULES = [
    path
    for folder in ("binbench", "algorithms", "datasets")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
#: The version of the pydocs plugin that README's table was made with.
PYDOCS = "8f29149021499ee5"
#: By how much figures of quality may differ from README's on another patch release or processor.
TOLERANCE = 0.01
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = re.search(r"```\n(pydocs-.*?\n)```", README, re.DOTALL)[1].splitlines()
RUN = re.search(r"^\.venv/bin/python -m binbench (run .*)$", README, re.MULTILINE)[1]


def commands() -> list[tuple[str, str]]:
    """Every command line of binbench that a page shows, with the page."""
    return [
        (page.name, line)
        for page in PAGES
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
        if language in ("", "sh")
        for line in re.findall(r"^(?:[\w./]*python -m )?binbench (.+)$", block.replace("\\\n", ""), re.M)
    ]


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_command_that_is_shown_exists(page, line):
    verb, *words = shlex.split(line, comments=True)
    command = cli.get_command(click.Context(cli), verb)
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command is not None, f"{page}: {line}"
    # Raises what a user would see, but for values that are checked when they are used.
    command.make_parser(click.Context(command)).parse_args(list(words))


def test_every_session_is_run():
    assert {page.name for page in PAGES if ">>> " in page.read_text(encoding="utf-8")} == SESSIONS
    for path in MODULES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        assert not doctest.testmod(importlib.import_module(name)).failed


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return re.split(r" {2,}", line.strip())


def figures(lines: list[str]) -> dict[str, list[float]]:
    """recall@10, nDCG@10 and retention of every method."""
    return {
        cells(line)[0]: [float(cells(line)[3]), float(cells(line)[4]), float(cells(line)[5].split("%")[0]) / 100]
        for line in lines[2:]
        if "%" in line
    }


def printed(folder: Path, capsys: pytest.CaptureFixture[str], data: Path) -> list[str]:
    """What README's main job prints with the set in `data`."""
    with pytest.raises(SystemExit) as exit_:
        main([*shlex.split(RUN), "--data-dir", str(data), "--results-dir", str(folder / "results"), "--runs", "1"])
    assert exit_.value.code == 0
    return capsys.readouterr().out.splitlines()


def test_the_table_was_made_with_this_pydocs():
    now = own_identity(DATASETS.get("pydocs").family.plugin)[: len(PYDOCS)]
    assert now == PYDOCS, f"pydocs changed: put what `make demo` prints into README.md, and {now} here"


def test_the_table_looks_as_it_is_printed(tmp_path, capsys, monkeypatch):
    """All but quality and speed, of which meaningless vectors of the same shape tell nothing."""
    monkeypatch.setenv("COLUMNS", "200")
    documents, dimension, queries = (
        int(n.replace(",", "")) for n in re.search(r"([\d,]+) documents × (\d+), (\d+) queries", TABLE[0]).groups()
    )
    rng = np.random.Generator(np.random.PCG64(7))
    train, test = (unit(rng.standard_normal((n, dimension))) for n in (documents, queries))
    ids = [f"d{i}" for i in range(documents)], [f"q{i}" for i in range(queries)]
    qrels = np.array([(i, i, 1) for i in range(queries)], np.int32)
    preparation = Preparation("pydocs", data_dir=tmp_path)
    known = {"distance": "angular", "identity": preparation.identity}
    write_set(preparation.path, train.shape, [train], test, known, ids=ids, qrels=qrels)
    lines = printed(tmp_path, capsys, tmp_path)
    assert lines[0] == TABLE[0]
    assert cells(lines[1]) == cells(TABLE[1])
    assert [cells(line)[:3] for line in lines[2:]] == [cells(line)[:3] for line in TABLE[2:]]


def test_the_table_s_figures_are_measured(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    data = Path(os.environ.get("BINBENCH_DATA", "data"))
    if not (data / "pydocs-all-MiniLM-L6-v2.hdf5").is_file() or sys.version_info[:2] != (3, 11):
        pytest.skip("no encoded pydocs in BINBENCH_DATA; `binbench prepare --dataset pydocs` makes it, on CPython 3.11")
    now, shown = figures(printed(tmp_path, capsys, data)), figures(TABLE)
    assert list(now) == list(shown)
    for method, values in shown.items():
        assert now[method] == pytest.approx(values, abs=TOLERANCE), method
