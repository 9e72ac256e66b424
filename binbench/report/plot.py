"""Pictures of results: for each set, k and number of threads, one file per kind and format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from binbench.errors import UserError, unknown
from binbench.files import atomic
from binbench.records.rows import rows
from binbench.records.select import filtered
from binbench.report.charts.registry import charts

Format = Literal["png", "svg"]
FORMATS: tuple[Format, ...] = ("png", "svg")


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
        output: a folder; each set, k and number of threads gets one below it, and all sets together one.
        data_dir: where the embedding sets live; see :func:`binbench.records.rows.rows`.
        kinds: names of charts; none for all that have something to show.
        formats: of the files.
        filters: see :func:`binbench.records.select.filtered`.

    Returns:
        The files written.

    Raises:
        UserError: an unknown kind, no results, or nothing to draw.
    """
    known = charts()
    for kind in kinds:
        if kind not in known:
            raise unknown("kind of plot", kind, known, f"; there are {', '.join(known)}")
    found = [row for row in filtered(rows(results_dir, data_dir), filters) if row["status"] == "ok"]
    written = []
    for kind in kinds or known:
        for (name, fingerprint, k, threads, most, *size), part in known[kind].parts(found):
            several = len({row["fingerprint"] for row in found if row["set"] == name}) > 1
            told = [f"-{fingerprint}"] * several + [f"-train{most}"] * bool(most)
            told += [f"-{n}d" for n in size if n != part[0]["set_documents"]]
            figure = known[kind](part)
            if figure is not None:
                folder = output / (f"{name}-k{k}-{threads}t" + "".join(told))
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
