"""The gallery shows every kind of chart that there is."""

from __future__ import annotations

from gallery import DOCS, page

from binbench.report.charts.registry import charts


def test_the_gallery_is_current() -> None:
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == page()
    pictures = {path.stem: path.read_bytes() for path in (DOCS / "gallery").glob("*.png")}
    assert pictures.keys() == charts().keys()
    assert all(held.startswith(b"\x89PNG") and 5_000 < len(held) < 150_000 for held in pictures.values())
