"""A demonstration as people read it: on a terminal, as Markdown, as HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import Literal

from binbench.tasks.demo import CUT, REFERENCE, SHOWN, Demonstration, Hit, Shown

Format = Literal["markdown", "html"]

#: Characters of a text that is shown in a file.
_TEXT = 160
#: Columns narrower than this are put one below the other.
_NARROW = 18


def sentence(demonstration: Demonstration) -> str:
    """What was measured over all queries, in one plain sentence."""
    first, *others = demonstration.methods
    parts = [
        f"{one.name} keeps {one.index_bytes / first.index_bytes:.1%} of the bytes, finds {one.recall:.1%} of the {CUT} "
        f"texts that {REFERENCE} finds (recall@{CUT})"
        + ("" if one.ndcg is None else f" and has nDCG@{CUT} {one.ndcg:.3f}")
        for one in others
    ]
    judged = "" if first.ndcg is None else f", whose nDCG@{CUT} is {first.ndcg:.3f}"
    return (
        f"Over all {demonstration.queries:,} queries of {demonstration.name} ({demonstration.documents:,} texts), "
        f"compared with {REFERENCE}{judged}: {'; '.join(parts)}."
    )


def mark(hit: Hit) -> str:
    """How a text stands against float's list."""
    return {"same": "", "moved": f"[moved, was {hit.was}] ", "new": f"[not in {REFERENCE}'s {SHOWN}] "}[hit.change]


def facts(demonstration: Demonstration) -> list[list[str]]:
    """Method, bytes for the whole collection, time per query, recall, nDCG; the first line names them."""
    head = ["method", "bytes, whole collection", "time per query", f"recall@{CUT}", f"nDCG@{CUT}"]
    return [
        head,
        *(
            [
                one.name,
                f"{one.index_bytes:,}",
                f"{one.seconds_per_query * 1e6:,.0f} µs",
                f"{one.recall:.3f}",
                "–" if one.ndcg is None else f"{one.ndcg:.3f}",
            ]
            for one in demonstration.methods
        ),
    ]


def on_terminal(query: str, found: Sequence[Shown], width: int) -> str:
    """The answers to `query` side by side in columns that fill `width` characters; as many as are wide enough."""
    at_once = max(1, min(len(found), (width + 2) // (_NARROW + 2)))
    lines = textwrap.wrap(f"Query: {query}", width)
    for start in range(0, len(found), at_once):
        part = found[start : start + at_once]
        each = (width - 2 * (len(part) - 1)) // len(part)
        lines += ["", _beside([[one.method] for one in part], each), _beside([["─" * each] for _ in part], each)]
        for rank in range(max(len(one.hits) for one in part)):
            cells = [_wrapped(rank, one.hits, each) for one in part]
            lines.append(_beside(cells, each))
        if any(one.lost for one in part):
            lines.append(_beside([_lost(one, each) for one in part], each))
    return "\n".join(lines) + "\n"


def table_on_terminal(demonstration: Demonstration, width: int) -> str:
    """The facts and the sentence."""
    rows = facts(demonstration)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if sum(widths) + 2 * len(widths) > width:
        rows[0][1], rows[0][2] = "bytes", "time/query"
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    return "\n".join([*lines, "", *textwrap.wrap(sentence(demonstration), width)]) + "\n"


def as_file(demonstration: Demonstration, answers: Sequence[tuple[str, Sequence[Shown]]], to: Format) -> str:
    """Everything as one document."""
    return (_markdown if to == "markdown" else _html)(demonstration, answers)


def _grid(found: Sequence[Shown]) -> list[list[str]]:
    """Cells: a head of methods, a line a rank, and what was lost."""
    rows = [["", *(one.method for one in found)]]
    for rank in range(max(len(one.hits) for one in found)):
        cells = [
            mark(one.hits[rank]) + textwrap.shorten(one.hits[rank].text, _TEXT, placeholder=" …")
            if rank < len(one.hits)
            else ""
            for one in found
        ]
        rows.append([str(rank + 1), *cells])
    if any(one.lost for one in found):
        gone = [
            "; ".join(f"{hit.was}: {textwrap.shorten(hit.text, 60, placeholder=' …')}" for hit in one.lost)
            for one in found
        ]
        rows.append(["lost", *gone])
    return rows


def _markdown(demonstration: Demonstration, answers: Sequence[tuple[str, Sequence[Shown]]]) -> str:
    def table(rows: list[list[str]]) -> list[str]:
        lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
        return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]

    parts = [f"# {demonstration.name}: the same search, compressed"]
    for query, found in answers:
        parts += ["", f"## {_escaped(query)}", "", *table(_grid(found))]
    return (
        "\n".join([*parts, "", "## In numbers", "", *table(facts(demonstration)), "", sentence(demonstration)]) + "\n"
    )


def _escaped(text: str) -> str:
    for character in "\\`*_[]<|#&":
        text = text.replace(character, f"\\{character}")
    return text


def _html(demonstration: Demonstration, answers: Sequence[tuple[str, Sequence[Shown]]]) -> str:
    def table(rows: list[list[str]]) -> str:
        head, *body = ["".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) for tag, row in _tagged(rows)]
        return f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in body) + "</table>"

    title = html.escape(f"{demonstration.name}: the same search, compressed")
    parts = [f"<h2>{html.escape(query)}</h2>{table(_grid(found))}" for query, found in answers]
    style = (
        "body{font:16px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.4em"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style};'
        f"vertical-align:top;text-align:left}}</style></head><body><h1>{title}</h1>{''.join(parts)}<h2>In numbers</h2>"
        f"{table(facts(demonstration))}<p>{html.escape(sentence(demonstration))}</p></body></html>\n"
    )


def _tagged(rows: list[list[str]]) -> list[tuple[str, list[str]]]:
    return [("td" if i else "th", row) for i, row in enumerate(rows)]


def _wrapped(rank: int, hits: Sequence[Hit], width: int) -> list[str]:
    if rank >= len(hits):
        return []
    text = f"{rank + 1}. {mark(hits[rank])}{hits[rank].text}"
    return textwrap.wrap(text, width, max_lines=4, placeholder=" …")


def _lost(one: Shown, width: int) -> list[str]:
    lines: list[str] = []
    for hit in one.lost:
        lines += textwrap.wrap(f"lost {hit.was}: {hit.text}", width, max_lines=2, placeholder=" …")
    return lines


def _beside(cells: Sequence[Sequence[str]], width: int) -> str:
    height = max((len(cell) for cell in cells), default=0)
    rows = [[cell[i] if i < len(cell) else "" for cell in cells] for i in range(height)]
    return "\n".join("  ".join(part.ljust(width) for part in row).rstrip() for row in rows)
