"""Labels beside points, placed so that they cover neither points nor one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Offsets tried in turn, in multiples of the font size, with the alignment that keeps the text off the point.
_PLACES = [
    (dx * reach, dy * reach, "left" if dx > 0 else "right" if dx < 0 else "center")
    for reach in (0.8, 1.6, 2.6, 3.8)
    for dx, dy in ((1, 0.6), (1, -0.8), (-1, 0.8), (-1, -0.8), (0, 1.2), (0, -1.4), (1, 0), (-1, 0))
]


def place_labels(axes: Axes, labels: Sequence[tuple[float, float, str]], points: Sequence[tuple[float, float]]) -> None:
    """Write each of `labels` (x, y, text) beside its point, with a thin line to it where it has to stand off.

    A label for which no free place is found is left out: the legend and the table still name the point.

    Args:
        axes: limits and scales set.
        labels: the more important ones first.
        points: everything drawn that a label may not cover.
    """
    figure: Any = axes.figure
    figure.draw_without_rendering()
    # Where the labels are free of one another now, the axes stay; laying all out again would take as long as drawing.
    figure.set_layout_engine("none")
    renderer = figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    obstacles = [_around(x, y, 5) for x, y in axes.transData.transform(points)] if len(points) else []
    for x, y, text in labels:
        for dx, dy, side in _PLACES:
            note = _annotate(axes, (x, y), text, (dx * 8, dy * 8), side)
            box = note.get_window_extent(renderer).padded(1)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in obstacles):
                obstacles.append(box)
                break
            note.remove()


def _annotate(axes: Axes, at: tuple[float, float], text: str, offset: tuple[float, float], side: str) -> Any:
    from matplotlib.patheffects import withStroke

    far = abs(offset[0]) + abs(offset[1]) > 16
    return axes.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=7.5,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "0.5", "shrinkA": 0, "shrinkB": 3} if far else None,
    )


def _around(x: float, y: float, radius: float) -> Any:
    from matplotlib.transforms import Bbox

    return Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)
