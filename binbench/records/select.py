"""Choosing, ordering and grouping rows by expressions that a person types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from binbench.errors import UserError
from binbench.plugins.registry import listed
from binbench.records.column import Column
from binbench.records.columns import column
from binbench.records.rows import Row

#: Rows that differ in one of these were asked different questions, or under other conditions: they share neither a
#: table nor a mean. Another fingerprint is another set of the same name.
APART = ("set", "fingerprint", "k", "mode", "threads", "max_train")

_FILTER = re.compile(r"\s*([\w@.]+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*")
_NUMERIC: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def filtered(rows: Iterable[Row], filters: Sequence[str]) -> list[Row]:
    """The rows that pass all `filters`, such as ``family=binary,pq*`` or ``recall@10>0.5``.

    Texts are compared by ``=`` and ``!=`` with a comma-separated list of globs, numbers by any of ``= != < <= > >=``. A
    missing value passes ``!=`` only.

    Raises:
        UserError: a filter is malformed or names no column.
    """
    tests = [_test(text) for text in filters]
    return [row for row in rows if all(test(row) for test in tests)]


def ordered(rows: Iterable[Row], keys: Sequence[str]) -> list[Row]:
    """`rows` by the columns `keys`, the first one deciding first; a leading ``-`` turns one round. Missing comes last.

    Raises:
        UserError: a key names no column.
    """
    result = list(rows)
    for key in reversed([part for text in keys for part in text.split(",")]):
        one = column(key.lstrip("-"))
        present = [row for row in result if row[one.name] is not None]
        absent = [row for row in result if row[one.name] is None]
        result = sorted(present, key=_sortable(one), reverse=key.startswith("-")) + absent
    return result


def groups(rows: Iterable[Row], names: Sequence[str]) -> list[tuple[tuple[Any, ...], list[Row]]]:
    """Rows with equal values in the columns `names`, in the order of first appearance.

    Raises:
        UserError: there is no such column.
    """
    columns = [column(name) for name in names]
    found: dict[tuple[str, ...], tuple[tuple[Any, ...], list[Row]]] = {}
    for row in rows:
        values = tuple(row[one.name] for one in columns)
        found.setdefault(tuple(map(repr, values)), (values, []))[1].append(row)
    return list(found.values())


def whole(rows: Iterable[Row]) -> list[Row]:
    """Of each set, the rows that were measured on all its documents, or all rows where there are no such."""
    found = []
    for _, part in groups(rows, ["set", "fingerprint"]):
        found += [row for row in part if row["documents"] == (row["set_documents"] or row["documents"])] or part
    return found


def _sortable(one: Column) -> Callable[[Row], Any]:
    return (lambda row: str(row[one.name])) if one.kind == "json" else (lambda row: row[one.name])


def _test(text: str) -> Callable[[Row], bool]:
    match = _FILTER.fullmatch(text)
    if match is None:
        raise UserError(f"filter {text[:100]!r} is not COLUMN, one of = != < <= > >=, VALUE; such as recall@10>0.5")
    one, operator, value = column(match[1]), match[2], match[3]
    if one.kind in ("integer", "number"):
        return _number_test(text, one.name, _NUMERIC[operator], value)
    if operator not in ("=", "!="):
        raise UserError(f"filter {text!r}: {one.name} holds no numbers; compare it by = or !=")
    patterns = listed(value)

    def test(row: Row) -> bool:
        shown = "" if row[one.name] is None else one.show(row[one.name])
        return any(fnmatchcase(shown, pattern.strip()) for pattern in patterns) == (operator == "=")

    return test


def _number_test(text: str, name: str, operator: Callable[[Any, Any], bool], value: str) -> Callable[[Row], bool]:
    try:
        numbers = [float(part.rstrip("%")) / (100 if part.endswith("%") else 1) for part in value.split(",")]
    except ValueError:
        raise UserError(f"filter {text!r}: {value!r} is not a number, and {name} holds numbers") from None
    if len(numbers) > 1 and operator not in (eq, ne):
        raise UserError(f"filter {text!r}: give one number")
    if operator is ne:
        return lambda row: row[name] not in numbers
    return lambda row: row[name] is not None and any(operator(row[name], number) for number in numbers)
