"""Pictures: what they hold, and that it can be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

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
from binbench.report.charts.iso_memory import beside
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
    assert {path.name for path in written} == {
        f"{kind}.svg" for kind, one in charts().items() if not one.across and kind != "sets"
    }
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
    often = ("float", "int8", "int4", "pq", "opq", "binary", "binary-asym", "sign", "rabitq", "hnsw", "itq", "ortho")
    assert len({look.marker for look in looks(often).values()}) == len(often)
    for family in [*families, "of-mine", "pq@mine"]:
        assert looks([family]) == {family: looks([*families, "of-mine", "pq@mine", "another"])[family]}
    assert looks(["pq@mine"])["pq@mine"].colour == found["pq"].colour


def test_colours_differ_for_unlike_families() -> None:
    found = looks(["float", "int8", "pq", "binary", "rabitq", "sign"])
    assert len({look.colour for look in found.values()}) == 6
    assert all(re.fullmatch("#[0-9A-F]{6}", look.colour) for look in found.values())


def test_few_training_points_are_hollow_and_large_tables_on_no_frontier(make_row: Make) -> None:
    rows = [
        make_row(family="pq", instance="pq8", bytes_per_vector=8, undertrained=True, **{"recall@10": 0.4}),
        make_row(family="pq", instance="pq16", bytes_per_vector=16, **{"recall@10": 0.6}),
        make_row(family="rq", instance="rq8", bytes_per_vector=8, outweighed=True, **{"recall@10": 0.9}),
    ]
    figure = quality_by_bytes(rows, "recall@10")
    assert figure is not None
    (axes,) = figure.axes
    markers = [line for line in axes.get_lines() if line.get_marker() == "^" and len(line.get_xdata())]
    assert {(line.get_xdata()[0], line.get_markerfacecolor() == "white") for line in markers} == {
        (8, True),
        (16, False),
    }
    (steps,) = [line for line in axes.get_lines() if line.get_drawstyle() == "steps-post" and len(line.get_xdata())]
    assert list(zip(*steps.get_data(), strict=True)) == [(8, 0.4), (16, 0.6)]
    assert "rq8" not in {text.get_text() for text in axes.texts}
    assert "outweigh the float vectors: rq8" in figure.get_supxlabel()
    assert "hollow: trained on fewer than 39 points" in figure.get_supxlabel()


def test_recall_gets_a_logit_axis_where_points_crowd_near_one(make_row: Make) -> None:
    def axes_of(*recalls: float) -> Any:
        rows = [
            make_row(instance=f"m{i}", method=f"m{i}", queries_per_second=10 + i, **{"recall@10": r})
            for i, r in enumerate(recalls)
        ]
        figure = speed_by_recall(rows)
        assert figure is not None
        figure.canvas.draw()
        return figure.axes[0]

    assert axes_of(0.1, 0.5, 0.7, 0.96, 0.97, 0.99).get_xscale() == "linear"
    axes = axes_of(0.0, 0.5, 0.9, 0.99, 0.999, 0.98, 1.0)
    assert axes.get_xscale() == "function"
    places = [float(axes.transData.transform((share, 10))[0]) for share in (0.0, 0.5, 0.9, 0.99, 0.999, 1.0)]
    low, high = axes.bbox.x0, axes.bbox.x1
    assert low < places[0]
    assert places[-1] < high
    # log10(p / (1 - p)): 0, 0.954, 1.996, 3.
    steps = np.diff(places[1:5])
    assert steps / steps[0] == pytest.approx([1, 1.041 / 0.954, 1.004 / 0.954], rel=0.01)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == "0"
    assert labels[-1] == "1"
    assert {"0.5", "0.95", "0.99", "0.999"} <= set(labels)


def test_build_times_of_all_methods_below_a_title_of_its_own(make_row: Make) -> None:
    rows = [make_row(instance=f"m{i}", build_seconds=0.1 + i) for i in range(90)]
    figure = build_time(rows)
    assert figure is not None
    figure.canvas.draw()
    (axes,) = figure.axes
    assert len(axes.get_yticklabels()) == 90
    (subtitle,) = [text for text in axes.texts if "lsa16" in text.get_text()]
    assert not axes._left_title.get_window_extent().overlaps(subtitle.get_window_extent())


def test_points_of_a_budget_stand_in_the_order_of_their_bytes() -> None:
    found = beside([(8, 8, "pq"), (8, 8.03, "a"), (8, 8.1, "b"), (16, 16, "pq"), (16, 16, "a")])
    assert found[:3] == sorted(found[:3])
    assert found[0] < 8 < found[2]
    assert found[2] < 8 * 2**0.5 < found[4]
    assert beside([(8, 8, "pq")]) == [8]


def test_several_sets_are_panels_with_one_look(make_row: Make) -> None:
    rows = [
        make_row(
            set=name, fingerprint=name, documents=n, instance=f"b{held}", bytes_per_vector=held, **{"recall@10": r}
        )
        for name, n, r in (("one", 100, 0.5), ("two", 200, 0.7))
        for held in (8, 16)
    ]
    for row in rows:
        row["set_documents"] = row["documents"]
    draw = charts()["sets"]
    ((key, part),) = draw.parts(rows)
    assert key == ("sets", None, 100, 1, None)
    figure = draw(part)
    assert figure is not None
    assert [axes.get_title("left") for axes in figure.axes] == ["one\nN = 100", "two\nN = 200"]
    assert [drawn(axes) for axes in figure.axes] == [{(8, 0.5), (16, 0.5)}, {(8, 0.7), (16, 0.7)}]
    assert draw(part[:2]) is None


@pytest.mark.parametrize(
    ("options", "says"),
    [({"kinds": ["pie"]}, "unknown kind of plot 'pie'"), ({"filters": ["status=timeout"]}, "nothing to draw")],
)
def test_mistakes(stored: Stored, tmp_path: Path, options: dict[str, list[str]], says: str) -> None:
    with pytest.raises(UserError, match=says):
        plot(stored.results_dir, tmp_path / "plots", stored.data_dir, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "plots").exists()
