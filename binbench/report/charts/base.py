"""What the charts have in common: a figure with its footer, scatter with its frontier, axes, bars, legends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from binbench.plugins.faiss_index import ADVISED_PER_CENTROID
from binbench.records.columns import COLUMNS, interval
from binbench.records.machines import Machines, timed
from binbench.records.rows import Row
from binbench.records.select import groups, ordered
from binbench.report.labels import place_labels
from binbench.report.style import Look, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BYTES_LABEL = "memory (bytes per vector: codes, extras and re-scoring store)"
#: Shares above which a recall counts as high, and of such points that ask for a logit axis.
_HIGH, _CROWD = 0.95, 0.2
#: How far beyond the outermost logit 0 and 1 stand.
_STEP = 0.4
HOLLOW = f"hollow: trained on fewer than {ADVISED_PER_CENTROID} points per centroid, which flatters"
#: Entries in a column of the legend, and inches that a further column takes.
_LEGEND_ROWS, _LEGEND_INCHES = 18, 1.8


def pareto(points: Sequence[tuple[float, float]], smaller_x: bool) -> list[int]:
    """Indexes of the points that no other beats in both: larger y, and smaller (or larger) x; from the cheap end."""
    sign = 1 if smaller_x else -1
    order = sorted(range(len(points)), key=lambda i: (sign * points[i][0], -points[i][1]))
    kept: list[int] = []
    for i in order:
        if not kept or points[i][1] > points[kept[-1]][1]:
            kept.append(i)
    return kept


def new_figure(rows: Sequence[Row], subject: str, height: float = 5.4, speed: bool = False) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # No pyplot: it would pick a screen and keep every figure alive.
    figure = Figure(figsize=(9, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    plain(axes)
    first = next((row for row in rows if row["dataset"]), rows[0])
    what = [
        first["dataset"] or first["set"],
        first["encoder"],
        _searched(rows),
        f"Q = {first['queries']:,}" if first["queries"] else "",
        f"k = {first['k']}",
        "subset" if first["subset"] else "",
    ]
    # In points, so that a tall figure does not push one into the other.
    axes.set_title(subject, loc="left", fontsize=12, fontweight="bold", pad=24)
    told, above = " · ".join(part for part in what if part), ((0, 1), "axes fraction", (0, 7), "offset points")
    axes.annotate(told, above[0], above[2], above[1], above[3], fontsize=9, color="0.25")
    figure.supxlabel(_footer(rows, speed), fontsize=7, color="0.35", x=0.01, ha="left")
    return figure, axes


def plain(axes: Axes) -> None:
    axes.grid(True, which="major", color="0.9", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)
    axes.xaxis.label.set_fontsize(9.5)
    axes.yaxis.label.set_fontsize(9.5)
    axes.spines[["top", "right"]].set_visible(False)


def _searched(rows: Sequence[Row]) -> str:
    sizes = sorted({row["documents"] for row in rows if row["documents"]})
    return f"N = {' … '.join(f'{size:,}' for size in dict.fromkeys([sizes[0], sizes[-1]]))}" if sizes else ""


def _footer(rows: Sequence[Row], speed: bool) -> str:
    """Where the figures come from; more than two commits are counted."""

    def values(name: str) -> str:
        return ", ".join(sorted({str(row[name]) for row in rows if row[name]}))

    machines = Machines.of(rows if speed else ())
    dates = sorted(row["date"][:10] for row in rows if row["date"])
    when = dates[0] if dates and dates[0] == dates[-1] else " to ".join(dates[:1] + dates[-1:])
    found = sorted({row["git"][:10] + "+" * row["git"].endswith("+") for row in rows if row["git"]})
    commits = ", ".join(found) if len(found) < 3 else f"{len(found)} commits"
    parts = [
        f"binbench {values('binbench_version')}" + (f" ({commits})" if commits else ""),
        f"vectors {values('fingerprint')}",
        f"weights {values('weights_sha256')[:12]}" if values("weights_sha256") else "",
        f"seed {values('seed') or 0}",
        f"{machines.usual}, {threads_of(rows[0])}" if speed else "",
        when,
    ]
    left_out = ", ".join(sorted({row["instance"] for row in rows if row["outweighed"]}))
    remarks = [
        *([HOLLOW] if any(row["undertrained"] for row in rows) else []),
        *([f"on no frontier, as their shared tables outweigh the float vectors: {left_out}"] if left_out else []),
        *filter(None, [machines.note]),
    ]
    return "\n".join(["; ".join(remarks), " · ".join(part for part in parts if part)]).strip()


def one_mode(rows: Iterable[Row]) -> list[Row]:
    """One row per (instance, query arguments, seed): figures other than speed do not depend on the mode."""
    chosen: dict[tuple[Any, ...], Row] = {}
    for row in ordered(rows, ["mode"]):
        chosen.setdefault((row["method"], row["seed"], row["max_train"]), row)
    return list(chosen.values())


def scatter(axes: Axes, rows: Sequence[Row], x: str, y: str, best_x: Any) -> None:
    look = looks(row["family"] for row in rows)
    for family, members in by_family(rows):
        style = look[family]
        for line in _lines(members, x):
            axes.plot([row[x] for row in line], [row[y] for row in line], color=style.colour, lw=0.8, alpha=0.45)
        for (hollow,), part in groups(members, ["undertrained"]):
            errors = [_errors(part, name) for name in (x, y)]
            axes.errorbar(
                [row[x] for row in part],
                [row[y] for row in part],
                xerr=errors[0],
                yerr=errors[1],
                ls="",
                elinewidth=0.8,
                label=None if family in axes.get_legend_handles_labels()[1] else family,
                **marker_of(style, hollow),
            )
    machines = Machines.of(rows if timed(COLUMNS[x]) or timed(COLUMNS[y]) else ())
    for row in rows:
        axes.annotate(machines.sign(row), (row[x], row[y]), xytext=(4, 2), textcoords="offset points", fontsize=8)
    frontier = _frontier(rows, x, y, best_x)
    # On a step the line says what is really on offer between two points.
    where: Any = "post" if best_x is min else "pre"
    axes.step([r[x] for r in frontier], [r[y] for r in frontier], where=where, color="0.35", lw=1.1, ls="--", zorder=1)
    axes.plot([], [], color="0.35", lw=1.1, ls="--", label="Pareto frontier")


def _lines(rows: Sequence[Row], x: str) -> list[list[Row]]:
    """Points to be joined: an instance's under its query arguments, else a family's."""
    by_instance = [part for _, part in groups(rows, ["instance", "seed"])]
    if any(len(part) > 1 for part in by_instance):
        return [sorted(part, key=lambda row: row[x]) for part in by_instance]
    return [sorted(part, key=lambda row: row[x]) for _, part in groups(rows, ["seed"])]


def _frontier(rows: Sequence[Row], x: str, y: str, best_x: Any) -> list[Row]:
    rows = [row for row in rows if not row["outweighed"]]
    found = [rows[i] for i in pareto([(row[x], row[y]) for row in rows], best_x is min)]
    return sorted(found, key=lambda row: row[x])


def finished(figure: Figure, axes: Axes, rows: Sequence[Row], x: str, y: str, best_x: Any) -> Figure:
    add_legend(figure, axes)
    labels = [(row[x], row[y], row["method"]) for row in _frontier(rows, x, y, best_x)]
    place_labels(axes, labels, [(row[x], row[y]) for row in rows])
    return figure


def closed(figure: Figure, axes: Axes) -> Figure:
    axes.grid(False, axis="y")
    return figure


def by_family(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    members: dict[str, list[Row]] = {family: [] for family in looks(row["family"] for row in rows)}
    for row in rows:
        members[row["family"]].append(row)
    return list(members.items())


def marker_of(look: Look, hollow: bool = False) -> dict[str, Any]:
    """How matplotlib draws `look`; `hollow` for what was trained on few points."""
    return {
        "marker": look.marker,
        "color": look.colour,
        "markerfacecolor": "white" if hollow else look.colour,
        "markersize": 8 if look.marker in "*PXd" else 6,
        "markeredgewidth": 1.2 if hollow else 0.4,
        "markeredgecolor": look.colour if hollow else "white",
    }


def _errors(rows: Sequence[Row], name: str) -> Any:
    limits = [interval(row, name) for row in rows]
    if not any(limits):
        return None
    pairs = [(row[name] - lim[0], lim[1] - row[name]) if lim else (0, 0) for row, lim in zip(rows, limits, strict=True)]
    return np.array(pairs).T.clip(min=0)


def logarithmic(axes: Axes, axis: str, values: Sequence[float], base: int = 10) -> None:
    """A logarithmic axis with plain numbers; linear near zero where there are zeros, so that none is lost."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    positive = [value for value in values if value > 0]
    target = axes.xaxis if axis == "x" else axes.yaxis
    scale = axes.set_xscale if axis == "x" else axes.set_yscale
    if not positive:
        return
    if len(positive) < len(values):
        scale("symlog", base=base, linthresh=min(positive))
    else:
        scale("log", base=base)
        # One or two decades have too few ticks of their own.
        narrow = max(positive) < 100 * min(positive) and base == 10
        target.set_major_locator(LogLocator(base, subs=(1, 2, 5) if narrow else (1,), numticks=15))
    target.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    target.set_minor_formatter(NullFormatter())


def recall_axis(axes: Axes, axis: Literal["x", "y"], rows: Sequence[Row], name: str) -> None:
    """A linear axis for a share, or a logit one where points crowd near 1, as everything interesting happens there.

    0 and 1, which have no logit, stand at the ends, a step beyond the outermost other value.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    values = [row[name] for row in rows]
    high = [value for value in values if value > _HIGH]
    set_scale = axes.set_xscale if axis == "x" else axes.set_yscale
    set_limits: Any = axes.set_xlim if axis == "x" else axes.set_ylim
    if len(high) < 4 or len(high) < _CROWD * len(values):
        highest = max((interval(row, name) or (0, row[name]))[1] for row in rows)
        set_limits(-0.02, 1.02 if axis == "x" else max(0.1, highest * 1.06))
        return
    ends = min([1e-2, *(min(value, 1 - value) for value in values if 0 < value < 1)])
    outermost = np.log10((1 - ends) / ends)

    def there(share: Any) -> Any:
        inside = np.clip(share, ends, 1 - ends)
        return np.log10(inside / (1 - inside)) + (share - inside) / ends * _STEP

    def back(logit: Any) -> Any:
        inside = np.clip(logit, -outermost, outermost)
        return 1 / (1 + 10.0**-inside) + (logit - inside) / _STEP * ends

    set_scale("function", functions=(there, back))
    ticks = [0, 0.01, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1]
    target = axes.xaxis if axis == "x" else axes.yaxis
    target.set_major_locator(FixedLocator([tick for tick in ticks if tick in (0, 1) or ends <= tick <= 1 - ends]))
    target.set_minor_locator(NullLocator())
    target.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    set_limits(back(there(min(values)) - _STEP / 2), back(there(1.0) + _STEP / 2))


def quality_label(measure: str) -> str:
    against = {"recall@10": "against the float ranking", "ndcg@10": "against judgements"}
    return f"{COLUMNS[measure].label} ({against[measure]}, mean and 95 % CI)"


def bars(rows: Sequence[Row], name: str) -> list[Row]:
    return sorted(rows, key=lambda row: (-row[name], row["method"]))


def bar_height(rows: Sequence[Row]) -> float:
    return max(3.0, 1.6 + 0.19 * len(rows))


def name_bars(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)


def add_legend(figure: Figure, axes: Axes) -> None:
    """A legend beside the axes, in as many columns as its entries need; the figure widens with them."""
    columns = -(-len(axes.get_legend_handles_labels()[0]) // _LEGEND_ROWS)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + _LEGEND_INCHES * (columns - 1), height)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8, ncols=columns, borderaxespad=0)


def threads_of(row: Row) -> str:
    return f"{row['threads']} thread{'s' if row['threads'] != 1 else ''}"
