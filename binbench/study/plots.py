"""Drawing for the experiments: small, without a display, the same style throughout."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from binbench.report import style
from binbench.study.experiment import Plot
from binbench.study.rows import MethodRow, by_set, with_recall

COLORS = tuple(style.COLOURS.values())
MARKERS = "osD^vPX*<>"
_STYLE: Any = {
    "figure.dpi": 110,
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.hashsalt": "binbench",
    "svg.fonttype": "none",
}

Series = tuple[Sequence[float | None], Sequence[float | None]]
#: Points (x, y), hollow or not.
Marked = Sequence[tuple[float, float, bool]]


@contextmanager
def figure(path: Path, height: float) -> Iterator[Any]:
    """Axes, with a legend beside them where anything is named, written to `path` as SVG when the block ends well."""
    with drawn(path, (7, height)) as drawing:
        axes = drawing.subplots()
        yield axes
        if any(axes.get_legend_handles_labels()):
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


@contextmanager
def drawn(path: Path, inches: tuple[float, float]) -> Iterator[Any]:
    """An empty figure, written to `path` as SVG when the block ends well."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        drawing = Figure(figsize=inches, layout="constrained")
        FigureCanvasSVG(drawing)
        yield drawing
        # Without the date, the same figures give the same bytes.
        drawing.savefig(path, format="svg", metadata={"Date": None})


def bars(
    path: Path,
    labels: Sequence[str],
    groups: Mapping[str, Sequence[float | None]],
    axis: str,
    caption: str,
    *,
    log: bool = False,
    lines: Mapping[str, float] | None = None,
) -> Plot:
    """Horizontal bars, one group of them per label; `lines` are named levels to compare with."""
    height = max(2.0, 0.9 + len(labels) * (0.18 * len(groups) + 0.16))
    with figure(path, height=height) as ax:
        thickness = 0.8 / len(groups)
        places = np.arange(len(labels))
        for i, (name, values) in enumerate(groups.items()):
            ax.barh(
                places + (i - (len(groups) - 1) / 2) * thickness,
                [np.nan if value is None else value for value in values],
                thickness,
                color=COLORS[i % len(COLORS)],
                label=name,
            )
        for i, (name, level) in enumerate((lines or {}).items()):
            ax.axvline(level, color="black", linestyle=("--", ":", "-.")[i % 3], linewidth=1, label=name)
        ax.set_yticks(places, labels)
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(axis)
        if log:
            ax.set_xscale("log")
    return Plot(path.name, caption)


def curves(
    path: Path,
    series: Mapping[str, Series],
    axes: tuple[str, str],
    caption: str,
    *,
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = True,
    dashed: Sequence[str] = (),
    unit_y: bool = False,
    ticks: Sequence[float] = (),
    families: bool = False,
) -> Plot:
    """Named lines; those in `dashed` are dashed; `families` of methods look as they do in other plots."""
    looks = style.looks(series) if families else {}
    with figure(path, height=max(4.0, 1.2 + 0.2 * len(series))) as ax:
        for i, (name, (x, y)) in enumerate(series.items()):
            ax.plot(
                x,
                y,
                color=looks[name].colour if families else COLORS[i % len(COLORS)],
                marker=(looks[name].marker if families else MARKERS[i % len(MARKERS)]) if markers else None,
                markersize=4,
                linewidth=1.3,
                linestyle="--" if name in dashed else "-",
                label=name,
            )
        ax.set_xlabel(axes[0])
        ax.set_ylabel(axes[1])
        if log_x:
            ax.set_xscale("log", base=2 if ticks else 10)
        if ticks:
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.minorticks_off()
        if log_y:
            ax.set_yscale("log")
        if unit_y:
            ax.set_ylim(-0.02, 1.02)
    return Plot(path.name, caption)


def panels(path: Path, groups: Mapping[str, Mapping[str, Marked]], axes: tuple[str, str], caption: str) -> Plot:
    """Lines of families of methods side by side, a panel for each group, bytes on a logarithmic axis."""
    looks = style.looks(family for series in groups.values() for family in series)
    with drawn(path, (4.1 * len(groups), 4.4)) as drawing:
        places = drawing.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        lines = {}
        for ax, (title, series) in zip(places, groups.items(), strict=True):
            for family, points in series.items():
                look: Any = {"color": looks[family].colour, "marker": looks[family].marker, "markersize": 5}
                (lines[family],) = ax.plot([x for x, _, _ in points], [y for _, y, _ in points], linewidth=1.3, **look)
                for x, y in ((x, y) for x, y, hollow in points if hollow):
                    ax.plot([x], [y], markerfacecolor="white", zorder=3, **look)
            ticks = powers(x for points in series.values() for x, _, _ in points)
            ax.set_xscale("log", base=2)
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.minorticks_off()
            ax.set_ylim(0, 1.02)
            ax.set_title(title)
            ax.set_xlabel(axes[0])
        places[0].set_ylabel(axes[1])
        drawing.legend([lines[family] for family in looks], list(looks), loc="outside right")
    return Plot(path.name, caption)


def powers(values: Iterable[float]) -> list[float]:
    """The powers of two from the last below `values` to the first above them: ticks of an axis of bytes or bits."""
    known = [math.log2(value) for value in values if value > 0]
    return [2.0**i for i in range(math.floor(min(known)), math.ceil(max(known)) + 1)] if known else []


def points(
    path: Path,
    series: Mapping[str, Series],
    axes: tuple[str, str],
    caption: str,
    *,
    diagonal: bool = False,
) -> Plot:
    """Named clouds of points, with the diagonal where both axes show the same quantity."""
    with figure(path, height=max(4.0, 1.2 + 0.2 * len(series))) as ax:
        for i, (name, (x, y)) in enumerate(series.items()):
            ax.scatter(x, y, s=24, color=COLORS[i % len(COLORS)], marker=MARKERS[i % len(MARKERS)], label=name)
        if diagonal:
            ax.axline((0, 0), slope=1, color="black", linewidth=0.8, linestyle="--")
        ax.set_xlabel(axes[0])
        ax.set_ylabel(axes[1])
    return Plot(path.name, caption)


def sweep(path: Path, rows: Iterable[MethodRow], axis: str, caption: str, scale: int = 1) -> list[Plot]:
    """recall@10 against bytes per vector × `scale`, one line per set; nothing where no row has a recall@10."""
    ordered = sorted(with_recall(rows), key=lambda row: row.bytes_per_vector)
    if not ordered:
        return []
    lines = {
        name: ([scale * row.bytes_per_vector for row in own], [row.recall for row in own])
        for name, own in by_set(ordered).items()
    }
    ticks = powers(scale * row.bytes_per_vector for row in ordered)
    return [curves(path, lines, (axis, "recall@10 against float"), caption, log_x=True, unit_y=True, ticks=ticks)]
