"""Tab-separated files of scored sentence pairs and of labelled texts, read strictly: quotes are text like any other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError

PAIRS_HEADER = ["score", "sentence1", "sentence2"]


@dataclass(frozen=True)
class Pairs:
    """Sentence pairs with human scores.

    Attributes:
        scores: (n,) float64, larger is more similar.
        first, second: the sentences.
    """

    scores: NDArray[np.float64]
    first: list[str]
    second: list[str]


def read_pairs(path: Path) -> Pairs:
    """Read the lines ``score⇥sentence1⇥sentence2`` below a header of these names.

    Raises:
        UserError: no such file, or a bad line, named by file and line.
    """
    rows = _rows(path, 3)
    if next(rows, (0, []))[1] != PAIRS_HEADER:
        raise UserError(f"{path}:1: expected the header {'⇥'.join(PAIRS_HEADER)} (⇥ is a tab)")
    scores, first, second = [], [], []
    for line, (score, one, other) in rows:
        scores.append(_score(score, f"{path}:{line}"))
        first.append(one)
        second.append(other)
    if len(scores) < 2:
        raise UserError(f"{path} holds {len(scores)} pairs; a correlation needs two or more")
    return Pairs(np.array(scores), first, second)


def read_labelled(path: Path) -> tuple[list[str], NDArray[np.str_]]:
    """Read the lines ``text⇥label``, without a header: the texts and their labels (n,).

    Raises:
        UserError: no such file, no lines, or a bad one, named by file and line.
    """
    rows = [row for _, row in _rows(path, 2)]
    if not rows:
        raise UserError(f"{path} is empty; its lines are text⇥label (⇥ is a tab)")
    return [text for text, _ in rows], np.array([label for _, label in rows])


def _rows(path: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each line; a field that is empty or missing is an error."""
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    line = 0
    try:
        with open(path, encoding="utf-8-sig") as file:
            for line, text in enumerate(file, start=1):
                fields = text.rstrip("\n").split("\t")
                if len(fields) != columns:
                    raise UserError(f"{path}:{line}: expected {columns} columns separated by tabs, found {len(fields)}")
                if not all(field.strip() for field in fields):
                    raise UserError(
                        f"{path}:{line}: column {[bool(f.strip()) for f in fields].index(False) + 1} is empty"
                    )
                yield line, fields
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 after line {line} ({error.reason})") from error


def _score(text: str, where: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise UserError(f"{where}: the score {text!r} is not a number")
    return score
