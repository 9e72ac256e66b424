"""Tables of text in the formats people paste them into."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from binbench.texts import visible

Format = Literal["rich", "plain", "markdown", "latex"]

#: Columns of texts are not given up for more than this many characters.
_TEXT_WIDTH = 16

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "÷": r"$\div$",
    "×": r"$\times$",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


@dataclass
class Table:
    """Cells as text.

    Attributes:
        title: above it.
        header: one name per column; may hold line breaks.
        right: which columns are set flush right.
        lines: the cells.
        notes: below it.
        sections: lengths of stretches of lines to be set apart; empty for none.
    """

    title: str
    header: list[str]
    right: list[bool]
    lines: list[list[str]]
    notes: list[str] = field(default_factory=list)
    sections: list[int] = field(default_factory=list)

    @property
    def ends(self) -> set[int]:
        """Indexes of the lines that end a section."""
        return {sum(self.sections[: i + 1]) - 1 for i in range(len(self.sections) - 1)}


def made(title: str, header: Sequence[str], lines: Sequence[list[str]], notes: Sequence[str] = ()) -> Table:
    """A table whose columns all stand right but for the first."""
    return Table(title, list(header), [i > 0 for i in range(len(header))], list(lines), list(notes))


def show(tables: Sequence[Table], to: Format | None = None) -> None:
    """Print `tables` on stdout, in the usual format unless told otherwise."""
    sys.stdout.write(render(tables, to or usual_format()))


def usual_format() -> Format:
    """Rich on a terminal and plain elsewhere."""
    return "rich" if sys.stdout.isatty() else "plain"


def render(tables: Sequence[Table], to: Format, wide: bool = False) -> str:
    """`tables` one below the other; only `rich` looks at the terminal's width, unless `wide` is set."""
    tables = [_visible(table) for table in tables]
    if to == "rich":
        return "\n".join(_rich(table, wide) for table in tables)
    return "\n".join(FORMATS[to](table) for table in tables)


def _visible(table: Table) -> Table:
    """`table` with whatever its texts hide written out; a line break stands in headers only."""
    return replace(
        table,
        title=visible(table.title),
        header=[visible(name, keep="\n") for name in table.header],
        lines=[list(map(visible, line)) for line in table.lines],
        notes=list(map(visible, table.notes)),
    )


def fitted(table: Table, width: int) -> Table:
    """`table` with as many columns as `width` characters hold, and a note that names the others.

    Names and numbers are never cut: a number that is cut short is another number. Headers and texts wrap, and columns
    are given up from the last one on: those of numbers, and then those of texts. The first one stays.
    """
    kept = list(range(len(table.header)))
    droppable = sorted(kept[1:], key=lambda i: (bool(table.right[i]), i))
    while droppable and _framed(_least(table, kept, width)) > width:
        kept.remove(droppable.pop())
    if len(kept) == len(table.header):
        return table
    gone = ", ".join(_one_line(name) for i, name in enumerate(table.header) if i not in kept)
    note = f"no room for {gone}: a wider terminal or `| cat` shows them, of `table` also --wide or --columns"

    def chosen(cells: Sequence[Any]) -> list[Any]:
        return [cells[i] for i in kept]

    lines = [chosen(line) for line in table.lines]
    return replace(
        table, header=chosen(table.header), right=chosen(table.right), lines=lines, notes=[*table.notes, note]
    )


def _least(table: Table, columns: Sequence[int], room: int) -> list[int]:
    """The characters that each of `columns` needs: its longest cell, or less if texts have to wrap within `room`."""
    for needed in (_whole, _between_words, _anywhere):
        widths = [max(needed(table, i), *map(len, table.header[i].split() or [""])) for i in columns]
        if _framed(widths) <= room:
            break
    return widths


def _whole(table: Table, column: int) -> int:
    """Texts have a line's share, or their longest word; what rows are called stays on a line."""
    cells = max((len(line[column]) for line in table.lines), default=0)
    is_text = column > 0 and not table.right[column]
    return min(cells, max(_TEXT_WIDTH, _between_words(table, column))) if is_text else cells


def _between_words(table: Table, column: int) -> int:
    cells = [line[column] for line in table.lines]
    words = cells if table.right[column] else (word for cell in cells for word in cell.split())
    return max(map(len, words), default=0)


def _anywhere(table: Table, column: int) -> int:
    """A very long word of a text is broken rather than a number given up."""
    longest = _between_words(table, column)
    return longest if column == 0 or table.right[column] else min(longest, _TEXT_WIDTH)


def _widths(table: Table, room: int) -> list[int]:
    """What each column needs and, from the first on, what it would like to have of what is left of `room`."""
    widths = _least(table, range(len(table.header)), room)
    for i, name in enumerate(table.header):
        liked = max(map(len, [*name.split("\n"), *(line[i] for line in table.lines)]))
        widths[i] += max(0, min(room - _framed(widths), liked - widths[i]))
    return widths


def _framed(widths: Sequence[int]) -> int:
    return sum(width + 3 for width in widths) + 1


def _rich(table: Table, wide: bool = False) -> str:
    import rich.table
    from rich.console import Console
    from rich.text import Text

    console = Console()
    room = 10_000 if wide or not console.is_terminal else console.width
    table = fitted(table, room)
    widths = _widths(table, room)
    # Nothing more can be given up: lines that the terminal breaks are better than numbers that end early.
    console = Console(width=max(room, _framed(widths)))
    made = rich.table.Table()
    for name, right, width in zip(table.header, table.right, widths, strict=True):
        made.add_column(Text(name), justify="right" if right else "left", width=width, overflow="fold")
    for i, line in enumerate(table.lines):
        made.add_row(*map(Text, line), end_section=i in table.ends)
    with console.capture() as captured:
        if table.title:
            console.print(Text(table.title))
        console.print(made)
        for note in table.notes:
            console.print(Text(note))
    return captured.get()


def _plain(table: Table) -> str:
    header = [_one_line(name) for name in table.header]
    widths = [max(map(len, cells)) for cells in zip(header, *table.lines, strict=True)]
    text = [*filter(None, [table.title]), _aligned(header, widths, table.right)]
    for i, line in enumerate(table.lines):
        text.append(_aligned(line, widths, table.right))
        if i in table.ends:
            text.append("")
    return "\n".join([*text, *table.notes]) + "\n"


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
    return "  ".join(padded).rstrip()


def _markdown(table: Table) -> str:
    rules = ["--:" if right else "---" for right in table.right]
    lines = [list(map(_one_line, table.header)), rules, *table.lines]
    text = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
    notes = [f"\n{note}" for note in table.notes]
    return "\n".join([f"**{table.title}**", "", *text, *notes]) + "\n"


def _latex(table: Table) -> str:
    def row(cells: Sequence[str]) -> str:
        return "    " + " & ".join(map(_escaped, cells)) + r" \\"

    body = []
    for i, line in enumerate(table.lines):
        body += [row(line), *(["    \\midrule"] if i in table.ends else [])]
    return "\n".join(
        [
            r"\begin{table}",
            f"  \\caption{{{_escaped(table.title)}}}",
            f"  \\begin{{tabular}}{{{''.join('r' if right else 'l' for right in table.right)}}}",
            r"    \toprule",
            row([_one_line(name) for name in table.header]),
            r"    \midrule",
            *body,
            r"    \bottomrule",
            r"  \end{tabular}",
            *(f"  \\par {_escaped(note)}" for note in table.notes),
            r"\end{table}",
            "",
        ]
    )


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text)


def _one_line(text: str) -> str:
    return text.replace("\n", " ")


FORMATS: dict[Format, Callable[[Table], str]] = {
    "rich": _rich,
    "plain": _plain,
    "markdown": _markdown,
    "latex": _latex,
}
