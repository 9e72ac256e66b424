"""The charts; matplotlib figures from rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binbench.report.columns import COLUMNS, Row, interval
from binbench.report.isomemory import BASELINE, budgets, ratio
from binbench.report.labels import place_labels
from binbench.report.select import groups, ordered
from binbench.report.sets import Sets
from binbench.report.style import Look, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Bars and percentiles drawn for one method each; beyond this the names could not be read.
_MOST_BARS = 60
#: Entries in a column of the legend, and inches that a further column takes.
_LEGEND_ROWS, _LEGEND_INCHES = 18, 1.8


def quality_by_bytes(rows: Sequence[Row], measure: str) -> Figure | None:
    """`measure` against bytes per vector, with the Pareto frontier and 95 % intervals."""
    shown = _one_mode(row for row in rows if row[measure] is not None and row["bytes_per_vector"] is not None)
    if not shown:
        return None
    figure, axes = _figure(shown, f"{COLUMNS[measure].label} by memory")
    _scatter(axes, shown, "bytes_per_vector", measure, best_x=min)
    _logarithmic(axes, "x", [row["bytes_per_vector"] for row in shown], base=2)
    axes.set_xlabel("memory (bytes per vector: codes, extras and re-scoring store)")
    axes.set_ylabel(_quality_label(measure))
    _share_limits(axes, shown, measure)
    return _finished(figure, axes, shown, "bytes_per_vector", measure, min)


def speed_by_recall(rows: Sequence[Row]) -> Figure | None:
    """Queries per second against recall@10; rows of one mode."""
    shown = [row for row in rows if row["recall@10"] is not None and row["queries_per_second"] is not None]
    if not shown:
        return None
    figure, axes = _figure(shown, "speed by recall@10", speed=True)
    _scatter(axes, shown, "recall@10", "queries_per_second", best_x=max)
    _logarithmic(axes, "y", [row["queries_per_second"] for row in shown])
    axes.set_xlabel(_quality_label("recall@10"))
    first = shown[0]
    axes.set_ylabel(f"queries per second ({first['mode']}, {_threads(first)}, Q = {first['queries']:,})")
    axes.set_xlim(-0.02, 1.02)
    return _finished(figure, axes, shown, "recall@10", "queries_per_second", max)


def build_time(rows: Sequence[Row]) -> Figure | None:
    """Seconds to train and encode, one bar per instance."""
    built = _one_mode(row for row in rows if row["build_seconds"] is not None)
    # All query arguments share one build.
    shown = _bars([part[0] for _, part in groups(built, ["instance", "seed"])], "build_seconds")
    if not shown:
        return None
    figure, axes = _figure(shown, "build time", height=_bar_height(shown), speed=True)
    look = looks(row["family"] for row in shown)
    seconds = [row["build_seconds"] for row in shown]
    for y, row in enumerate(shown):
        style = look[row["family"]]
        axes.plot([0, row["build_seconds"]], [y, y], color=style.colour, lw=1.2, alpha=0.6)
        axes.plot(row["build_seconds"], y, **_marker(style))
        axes.annotate(
            f"{row['build_seconds']:.3g}",
            (row["build_seconds"], y),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    _name_bars(axes, [row["instance"] for row in shown])
    _logarithmic(axes, "x", seconds)
    axes.set_xlim(right=max(max(seconds) * 2, 1e-3))
    axes.set_xlabel("build time (s: training and encoding)")
    return _closed(figure, axes)


def latency(rows: Sequence[Row]) -> Figure | None:
    """Percentiles of single-query latency over all repeats, one line per method; rows of single mode."""
    names = ["latency_p50", "latency_p95", "latency_p99", "latency_p99.9"]
    shown = _bars([row for row in rows if row["latency_p50"] is not None], "latency_p50")
    if not shown:
        return None
    figure, axes = _figure(shown, "latency of single queries", height=_bar_height(shown), speed=True)
    look = looks(row["family"] for row in shown)
    for y, row in enumerate(shown):
        style = look[row["family"]]
        p50, p95, p99, p999 = (1e3 * row[name] for name in names)
        axes.plot([p50, p999], [y, y], color=style.colour, lw=0.8)
        axes.plot([p50, p95], [y, y], color=style.colour, lw=4, alpha=0.5, solid_capstyle="butt")
        axes.plot(p50, y, **_marker(style))
        axes.plot([p99, p999], [y, y], ls="", marker="|", ms=8, color=style.colour)
    overheads = [1e3 * row["harness_overhead"] for row in shown if row["harness_overhead"]]
    harness = f"; harness itself {np.median(overheads):.2g}" if overheads else ""
    _name_bars(axes, [row["method"] for row in shown])
    _logarithmic(axes, "x", [1e3 * row[name] for row in shown for name in names])
    axes.set_xlabel(
        f"latency (ms per query, {_threads(shown[0])}{harness}): marker p50, bar to p95, strokes p99 and p99.9"
    )
    return _closed(figure, axes)


def iso_memory(rows: Sequence[Row], results_dir: Path, sets: Sets) -> Figure | None:
    """recall@10 of the binary families over that of PQ at equal bytes, with paired 95 % intervals."""
    found = [budget for budget in budgets(_one_mode(rows)) if budget.baseline is not None]
    compared = [
        (budget.bytes_per_vector, row, value)
        for budget in found
        for row in budget.rows
        if row["seed"] == budget.baseline["seed"]  # type: ignore[index]
        and (value := ratio(results_dir, sets, row, budget.baseline, "recall@10")) is not None
    ]
    if not compared:
        return None
    shown = [row for _, row, _ in compared]
    figure, axes = _figure(shown, f"recall@10 relative to {BASELINE} at equal bytes per vector")
    look = looks(row["family"] for row in shown)
    for place, (family, members) in enumerate(_families(shown)):
        style, files = look[family], {row["file"] for row in members}
        points = sorted((held, *value) for held, row, value in compared if row["file"] in files)
        held, middle, low, high = map(np.array, zip(*points, strict=True))
        # Methods stand beside each other, so that their intervals can be told apart.
        x = held * 2 ** (0.09 * (place - (len(look) - 1) / 2))
        errors = np.nan_to_num(np.stack([middle - low, high - middle]).clip(min=0))
        axes.errorbar(x, middle, errors, label=family, lw=1, elinewidth=1, capsize=2, **_marker(style))
    axes.axhline(1, color="0.3", lw=1)
    axes.annotate(
        f"= {BASELINE}", (1, 1), xycoords=("axes fraction", "data"), xytext=(4, -3), textcoords="offset points"
    )
    _logarithmic(axes, "x", [held for held, _, _ in compared], base=2)
    axes.set_xlabel("memory (bytes per vector: codes, extras and re-scoring store)")
    axes.set_ylabel(f"recall@10 ÷ recall@10 of {BASELINE}")
    axes.set_ylim(0, max(1.2, *(1.05 * value.high for *_, value in compared if np.isfinite(value.high))))
    _legend(figure, axes)
    return figure


def pareto(points: Sequence[tuple[float, float]], smaller_x: bool) -> list[int]:
    """Indexes of the points that no other beats in both: larger y, and smaller (or larger) x; from the cheap end."""
    sign = 1 if smaller_x else -1
    order = sorted(range(len(points)), key=lambda i: (sign * points[i][0], -points[i][1]))
    kept: list[int] = []
    for i in order:
        if not kept or points[i][1] > points[kept[-1]][1]:
            kept.append(i)
    return kept


def _figure(rows: Sequence[Row], subject: str, height: float = 5.4, speed: bool = False) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # No pyplot: it would pick a screen and keep every figure alive.
    figure = Figure(figsize=(9, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(True, which="major", color="0.9", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)
    axes.xaxis.label.set_fontsize(9.5)
    axes.yaxis.label.set_fontsize(9.5)
    axes.spines[["top", "right"]].set_visible(False)
    first = next((row for row in rows if row["dataset"]), rows[0])
    what = [
        first["dataset"] or first["set"],
        first["encoder"],
        f"N = {first['documents']:,}" if first["documents"] else "",
        f"Q = {first['queries']:,}" if first["queries"] else "",
        f"k = {first['k']}",
        "subset" if first["subset"] else "",
    ]
    axes.set_title(f"{subject}\n", loc="left", fontsize=12, fontweight="bold")
    axes.text(0, 1.015, " · ".join(part for part in what if part), transform=axes.transAxes, fontsize=9, color="0.25")
    figure.supxlabel(_footer(rows, speed), fontsize=6.5, color="0.35", x=0.01, ha="left")
    return figure, axes


def _footer(rows: Sequence[Row], speed: bool) -> str:
    """Where the figures come from; more than two commits are counted."""

    def values(name: str) -> str:
        return ", ".join(sorted({str(row[name]) for row in rows if row[name]}))

    dates = sorted(row["date"][:10] for row in rows if row["date"])
    when = dates[0] if dates and dates[0] == dates[-1] else " to ".join(dates[:1] + dates[-1:])
    found = sorted({row["git"][:10] + "+" * row["git"].endswith("+") for row in rows if row["git"]})
    commits = ", ".join(found) if len(found) < 3 else f"{len(found)} commits"
    parts = [
        f"binbench {values('binbench_version')}" + (f" ({commits})" if commits else ""),
        f"vectors {values('fingerprint')}",
        f"weights {values('weights_sha256')[:12]}" if values("weights_sha256") else "",
        f"seed {values('seed') or 0}",
        f"{values('cpu')}, {_threads(rows[0])}" if speed else "",
        when,
    ]
    return " · ".join(part for part in parts if part)


def _one_mode(rows: Iterable[Row]) -> list[Row]:
    """One row per (instance, query arguments, seed): figures other than speed do not depend on the mode."""
    chosen: dict[tuple[Any, ...], Row] = {}
    for row in ordered(rows, ["mode"]):
        chosen.setdefault((row["method"], row["seed"]), row)
    return list(chosen.values())


def _scatter(axes: Axes, rows: Sequence[Row], x: str, y: str, best_x: Any) -> None:
    look = looks(row["family"] for row in rows)
    for family, members in _families(rows):
        style = look[family]
        for line in _lines(members, x):
            axes.plot([row[x] for row in line], [row[y] for row in line], color=style.colour, lw=0.8, alpha=0.45)
        errors = [_errors(members, name) for name in (x, y)]
        axes.errorbar(
            [row[x] for row in members],
            [row[y] for row in members],
            xerr=errors[0],
            yerr=errors[1],
            ls="",
            elinewidth=0.8,
            label=family,
            **_marker(style),
        )
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
    found = [rows[i] for i in pareto([(row[x], row[y]) for row in rows], best_x is min)]
    return sorted(found, key=lambda row: row[x])


def _finished(figure: Figure, axes: Axes, rows: Sequence[Row], x: str, y: str, best_x: Any) -> Figure:
    _legend(figure, axes)
    labels = [(row[x], row[y], row["method"]) for row in _frontier(rows, x, y, best_x)]
    place_labels(axes, labels, [(row[x], row[y]) for row in rows])
    return figure


def _closed(figure: Figure, axes: Axes) -> Figure:
    axes.grid(False, axis="y")
    return figure


def _families(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    members: dict[str, list[Row]] = {family: [] for family in looks(row["family"] for row in rows)}
    for row in rows:
        members[row["family"]].append(row)
    return list(members.items())


def _marker(look: Look) -> dict[str, Any]:
    return {
        "marker": look.marker,
        "color": look.colour,
        "markerfacecolor": "white" if look.is_open else look.colour,
        "markersize": 8 if look.marker in "*PXd" else 6,
        "markeredgewidth": 1.2 if look.is_open else 0.4,
        "markeredgecolor": look.colour if look.is_open else "white",
    }


def _errors(rows: Sequence[Row], name: str) -> Any:
    limits = [interval(row, name) for row in rows]
    if not any(limits):
        return None
    pairs = [(row[name] - lim[0], lim[1] - row[name]) if lim else (0, 0) for row, lim in zip(rows, limits, strict=True)]
    return np.array(pairs).T.clip(min=0)


def _logarithmic(axes: Axes, axis: str, values: Sequence[float], base: int = 10) -> None:
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


def _share_limits(axes: Axes, rows: Sequence[Row], name: str) -> None:
    highest = max((interval(row, name) or (0, row[name]))[1] for row in rows)
    axes.set_ylim(-0.02, max(0.1, highest * 1.06))


def _quality_label(measure: str) -> str:
    against = {"recall@10": "against the float ranking", "ndcg@10": "against judgements"}
    return f"{COLUMNS[measure].label} ({against[measure]}, mean and 95 % CI)"


def _bars(rows: Sequence[Row], name: str) -> list[Row]:
    return sorted(rows, key=lambda row: (-row[name], row["method"]))[:_MOST_BARS]


def _bar_height(rows: Sequence[Row]) -> float:
    return max(3.0, 1.6 + 0.19 * len(rows))


def _name_bars(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _legend(figure: Figure, axes: Axes) -> None:
    """A legend beside the axes, in as many columns as its entries need; the figure widens with them."""
    columns = -(-len(axes.get_legend_handles_labels()[0]) // _LEGEND_ROWS)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + _LEGEND_INCHES * (columns - 1), height)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8, ncols=columns, borderaxespad=0)


def _threads(row: Row) -> str:
    return f"{row['threads']} thread{'s' if row['threads'] != 1 else ''}"
