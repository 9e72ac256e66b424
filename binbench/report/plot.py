"""Pictures of results: for each set, k and number of threads, one file per kind and format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from binbench.errors import UserError
from binbench.files import atomic
from binbench.report import charts
from binbench.report.columns import Row
from binbench.report.rows import collect
from binbench.report.select import filtered, groups
from binbench.report.sets import Sets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["png", "svg"]
FORMATS: tuple[Format, ...] = ("png", "svg")


@dataclass(frozen=True)
class Drawing:
    """What charts are drawn from: rows of one set, k and number of threads, and where their results lie."""

    rows: list[Row]
    results_dir: Path
    sets: Sets


def _by_mode(mode: str, draw: Callable[..., Figure | None]) -> Callable[[Drawing], Figure | None]:
    return lambda drawing: draw([row for row in drawing.rows if row["mode"] == mode])


#: Kind → its picture, or None where there is nothing to draw.
KINDS: dict[str, Callable[[Drawing], Any]] = {
    "recall-bytes": lambda drawing: charts.quality_by_bytes(drawing.rows, "recall@10"),
    "ndcg-bytes": lambda drawing: charts.quality_by_bytes(drawing.rows, "ndcg@10"),
    "qps-recall-batch": _by_mode("batch", charts.speed_by_recall),
    "qps-recall-single": _by_mode("single", charts.speed_by_recall),
    "build-time": lambda drawing: charts.build_time(drawing.rows),
    "latency": _by_mode("single", charts.latency),
    "iso-memory": lambda drawing: charts.iso_memory(drawing.rows, drawing.results_dir, drawing.sets),
}


def plot(
    results_dir: Path,
    output: Path,
    data_dir: Path | None = None,
    *,
    kinds: Sequence[str] = (),
    formats: Sequence[Format] = FORMATS,
    filters: Sequence[str] = (),
) -> list[Path]:
    """Draw the results below `results_dir` into `output`.

    Args:
        results_dir: root of the result files.
        output: a folder; each set, k and number of threads gets one below it.
        data_dir: where the embedding sets live, for figures and paired intervals that are not computed yet.
        kinds: names of :data:`KINDS`; none for all that have something to show.
        formats: of the files.
        filters: see :func:`binbench.report.select.filtered`.

    Returns:
        The files written.

    Raises:
        UserError: an unknown kind, no results, or nothing to draw.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UserError(f"unknown kind of plot {kind!r}; there are {', '.join(KINDS)}")
    sets = Sets(data_dir)
    rows = [row for row in filtered(collect(results_dir, sets), filters) if row["status"] == "ok"]
    written = []
    for (name, fingerprint, k, threads), part in groups(rows, ["set", "fingerprint", "k", "threads"]):
        drawing = Drawing(part, results_dir, sets)
        several = len({row["fingerprint"] for row in rows if row["set"] == name}) > 1
        folder = output / (f"{name}-k{k}-{threads}t" + (f"-{fingerprint}" if several else ""))
        for kind in kinds or KINDS:
            figure = KINDS[kind](drawing)
            if figure is not None:
                written += [_save(figure, folder / f"{kind}.{to}", to) for to in formats]
    if not written:
        raise UserError("nothing to draw: no result is ok and passes the filters; see `binbench table`")
    return written


def _save(figure: Any, path: Path, to: Format) -> Path:
    from matplotlib import rc_context

    # Without the date and with a salt of its own, equal results give equal files.
    metadata = {"Date": None} if to == "svg" else {}
    with atomic(path) as temporary, rc_context({"svg.hashsalt": "binbench"}):
        figure.savefig(temporary, format=to, dpi=150, metadata=metadata)
    return path
