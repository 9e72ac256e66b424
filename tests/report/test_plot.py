"""Pictures: what they hold, and that it can be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import Stored

from binbench.errors import UserError
from binbench.plugins.registry import ALGORITHMS
from binbench.records.rows import Row
from binbench.report.charts.base import pareto
from binbench.report.charts.build import build_time
from binbench.report.charts.quality import quality_by_bytes
from binbench.report.charts.registry import charts
from binbench.report.charts.speed import speed_by_bytes, speed_by_recall
from binbench.report.plot import plot
from binbench.report.style import SHIPPED, looks

Make = Callable[..., Row]
points = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), max_size=12)


def drawn(axes: object) -> set[tuple[float, float]]:
    """Every point with a marker."""
    return {
        (float(x), float(y))
        for line in axes.get_lines()  # type: ignore[attr-defined]
        if line.get_marker() not in ("", "None", None, "|")
        for x, y in zip(*line.get_data(), strict=True)
    }


@given(points, st.booleans())
def test_the_frontier_is_what_nothing_beats(found: list[tuple[int, int]], smaller_x: bool) -> None:
    def beats(a: tuple[int, int], b: tuple[int, int]) -> bool:
        no_dearer = a[0] <= b[0] if smaller_x else a[0] >= b[0]
        return no_dearer and a[1] >= b[1] and a != b

    expected = {p for p in found if not any(beats(q, p) for q in found)}
    assert {found[i] for i in pareto(found, smaller_x)} == expected


def test_one_command_draws_everything(stored: Stored, tmp_path: Path) -> None:
    written = plot(stored.results_dir, tmp_path / "plots", stored.data_dir, formats=["svg"])
    assert {path.name for path in written} == {f"{kind}.svg" for kind, one in charts().items() if not one.across}
    for path in written:
        assert path.parent.name == "small-k20-1t"
        content = path.read_bytes()
        assert content.startswith(b"<?xml")
        assert len(content) > 5000


def test_both_formats_unless_told(stored: Stored, tmp_path: Path) -> None:
    png, svg = plot(stored.results_dir, tmp_path / "plots", stored.data_dir, kinds=["build-time"])
    assert png.read_bytes().startswith(b"\x89PNG\r\n")
    assert svg.read_bytes().startswith(b"<?xml")


def test_equal_results_give_equal_files(stored: Stored, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        plot(stored.results_dir, tmp_path / folder, stored.data_dir, kinds=["recall-bytes"])
    for name in ("recall-bytes.svg", "recall-bytes.png"):
        first, second = ((tmp_path / folder / "small-k20-1t" / name).read_bytes() for folder in ("a", "b"))
        assert first == second


def test_zeros_are_drawn(make_row: Make) -> None:
    rows = [
        make_row(
            bytes_per_vector=held, queries_per_second=rate, build_seconds=took, instance=f"m{held}", **{"recall@10": r}
        )
        for held, rate, took, r in ((0, 10, 0.0, 0.5), (8, 0, 0.1, 0.0), (16, 1000, 10, 0.9))
    ]
    figure = quality_by_bytes(rows, "recall@10")
    assert figure is not None
    (axes,) = figure.axes
    assert {(0, 0.5), (8, 0), (16, 0.9)} <= drawn(axes)
    assert axes.get_xlim()[0] <= 0
    assert axes.get_ylim()[0] < 0
    speed = speed_by_recall(rows)
    assert speed is not None
    assert {(0.5, 10), (0, 0), (0.9, 1000)} <= drawn(speed.axes[0])
    assert speed.axes[0].get_ylim()[0] <= 0
    dear = speed_by_bytes(rows)
    assert dear is not None
    assert {(0, 10), (8, 0), (16, 1000)} <= drawn(dear.axes[0])
    built = build_time(rows)
    assert built is not None
    assert {x for x, _ in drawn(built.axes[0])} == {0, 0.1, 10}
    assert built.axes[0].get_xlim()[0] <= 0


def test_titles_axes_and_footer_say_what_is_shown(make_row: Make) -> None:
    rows = [make_row(bytes_per_vector=8, binbench_version="9.9", git="c0ffee", subset=True, **{"recall@10": 0.5})]
    figure = quality_by_bytes(rows, "recall@10")
    assert figure is not None
    (axes,) = figure.axes
    texts = " ".join(text.get_text() for text in axes.texts) + axes.get_title("left")
    for part in ("made-up", "lsa16", "N = 1,000", "Q = 50", "k = 100", "recall@10", "subset"):
        assert part in texts
    assert "bytes per vector" in axes.get_xlabel()
    assert "95 % CI" in axes.get_ylabel()
    footer = figure.get_supxlabel()
    for part in ("binbench 9.9", "c0ffee", "vectors abc", "2026-01-02"):
        assert part in footer


def test_error_bars_are_the_intervals(make_row: Make) -> None:
    low, high = "recall@10_ci_low", "recall@10_ci_high"
    figure = quality_by_bytes([make_row(bytes_per_vector=8, **{"recall@10": 0.5, low: 0.4, high: 0.7})], "recall@10")
    assert figure is not None
    segments = [s.tolist() for c in figure.axes[0].collections for s in c.get_segments()]  # type: ignore[attr-defined]
    assert np.array(segments) == pytest.approx(np.array([[[8, 0.4], [8, 0.7]]]))


def test_labels_cover_neither_points_nor_each_other(make_row: Make) -> None:
    rows = [
        make_row(
            family="pq", instance=f"a-rather-long-name-{i}", bytes_per_vector=64 + i, **{"recall@10": 0.5 + i / 200}
        )
        for i in range(12)
    ]
    figure = quality_by_bytes(rows, "recall@10")
    assert figure is not None
    figure.canvas.draw()
    (axes,) = figure.axes
    names = {row["method"] for row in rows}
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text() in names]
    assert len(boxes) > 3
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    centres = axes.transData.transform([(row["bytes_per_vector"], row["recall@10"]) for row in rows])
    assert not any(box.contains(*centre) for box in boxes for centre in centres)


def test_looks_tell_families_apart_and_never_change() -> None:
    families = [family.name for family in ALGORITHMS.families() if "algorithms" in Path(family.source).parts]
    found = looks(families)
    assert set(found) == set(families) == set(SHIPPED)
    assert len(set(found.values())) == len(families)
    # In grey, too, for those that are met most often.
    assert len({(look.marker, look.is_open) for look in looks(SHIPPED[:24]).values()}) == 24
    for family in [*families, "of-mine"]:
        assert looks([family]) == {family: looks([*families, "of-mine", "another"])[family]}


def test_colours_differ_for_unlike_families() -> None:
    found = looks(["float", "int8", "pq", "binary", "rabitq", "sign"])
    assert len({look.colour for look in found.values()}) == 6
    assert all(re.fullmatch("#[0-9A-F]{6}", look.colour) for look in found.values())


@pytest.mark.parametrize(
    ("options", "says"),
    [({"kinds": ["pie"]}, "unknown kind of plot 'pie'"), ({"filters": ["status=timeout"]}, "nothing to draw")],
)
def test_mistakes(stored: Stored, tmp_path: Path, options: dict[str, list[str]], says: str) -> None:
    with pytest.raises(UserError, match=says):
        plot(stored.results_dir, tmp_path / "plots", stored.data_dir, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "plots").exists()
