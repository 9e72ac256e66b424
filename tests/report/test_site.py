"""The site as files: valid, self-contained, complete, and safe to put plugin texts into."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest
from measured import REASON, Stored, job, make_set

from binbench.errors import UserError
from binbench.records.columns import COLUMNS
from binbench.records.rows import rows as read_rows
from binbench.report.site import site

NAMESPACE = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture
def built(stored: Stored, tmp_path: Path) -> Path:
    """The folder of a site."""
    site(tmp_path / "site", stored.results_dir, stored.data_dir)
    return tmp_path / "site"


def parsed(path: Path) -> object:
    """The page's tree; a parse error fails the test."""
    return html5lib.HTMLParser(strict=True).parse(path.read_text(encoding="utf-8"))


def test_there_is_a_page_per_set_and_per_method(built: Path) -> None:
    pages = {str(path.relative_to(built)) for path in built.rglob("*.html")}
    families = ("float", "int8", "pq", "binary", "hnsw", "opq", "sign")
    assert pages == {
        "index.html",
        "leaderboard.html",
        "measured.html",
        "sets/small.html",
        *(f"methods/{name}.html" for name in families),
    }


def test_pages_are_valid_and_refer_to_what_is_there(built: Path) -> None:
    addresses = 0
    for page in built.rglob("*.html"):
        ids = []
        for element in parsed(page).iter():  # type: ignore[attr-defined]
            if "id" in element.attrib:
                ids.append(element.attrib["id"])
            for name in ("href", "src"):
                address = element.attrib.get(name, "")
                if not address or address.startswith(("#", "data:")):
                    continue
                assert ":" not in address, address
                assert (page.parent / unquote(address)).is_file(), f"{page}: {address}"
                addresses += 1
        assert len(ids) == len(set(ids))
    assert addresses > 20


def test_every_control_has_a_name(built: Path) -> None:
    seen = []
    for page in built.rglob("*.html"):
        tree = parsed(page)
        parents = {child: parent for parent in tree.iter() for child in parent}  # type: ignore[attr-defined]
        assert tree.attrib["lang"] == "en"  # type: ignore[attr-defined]
        for element in tree.iter():  # type: ignore[attr-defined]
            seen.append(element.tag)
            if element.tag in (f"{NAMESPACE}input", f"{NAMESPACE}select"):
                assert parents[element].tag == f"{NAMESPACE}label"
            if element.tag == f"{NAMESPACE}button":
                assert "".join(element.itertext()).strip()
            if "tabindex" in element.attrib and element.attrib["tabindex"] == "0":
                assert "aria-label" in element.attrib or "aria-labelledby" in element.attrib
                seen.append("tabindex")
    assert {f"{NAMESPACE}{tag}" for tag in ("input", "select", "button")} | {"tabindex"} <= set(seen)


def test_own_files_name_no_other_machine(built: Path) -> None:
    own = [path for path in built.rglob("*") if path.suffix in (".html", ".css", ".js")]
    assert {path.suffix for path in own if path.name != "plotly.min.js"} == {".html", ".css", ".js"}
    for path in own:
        if path.name != "plotly.min.js":
            assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", path.read_text(encoding="utf-8")), path


def test_texts_of_plugins_are_escaped(built: Path) -> None:
    for name in ("index.html", "sets/small.html", "methods/opq.html"):
        text = (built / name).read_text(encoding="utf-8")
        assert "<b>longer</b>" not in text
        tree = parsed(built / name)
        cells = ["".join(cell.itertext()) for tag in ("td", "th") for cell in tree.iter(f"{NAMESPACE}{tag}")]  # type: ignore[attr-defined]
        assert any(REASON in cell for cell in cells)


def test_script_in_a_name_stays_data(stored: Stored, tmp_path: Path) -> None:
    import h5py

    path = next(stored.results_dir.rglob("int8_*.hdf5"))
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    with h5py.File(path, "r+") as file:
        file.attrs["name"] = evil
    site(tmp_path / "site", stored.results_dir, stored.data_dir)
    page = tmp_path / "site" / "sets" / "small.html"
    assert "<script>alert" not in page.read_text()
    assert "<img" not in page.read_text()
    stored_data = next(
        element.text
        for element in parsed(page).iter(f"{NAMESPACE}script")
        if element.attrib.get("id") == "data"  # type: ignore[attr-defined]
    )
    assert evil in json.loads(stored_data)["values"]["method"]


def test_the_page_holds_every_figure(built: Path, stored: Stored) -> None:
    rows = read_rows(stored.results_dir, stored.data_dir)
    text = (built / "sets" / "small.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert len(data["values"]["method"]) == len(rows)
    by_command = {row["reproduce"] + row["method"]: row for row in rows}
    assert len(by_command) == len(rows)
    for i, command in enumerate(data["values"]["reproduce"]):
        row = by_command[command + data["values"]["method"][i]]
        for name in (one["name"] for one in data["figures"]):
            value = data["values"][name][i]
            assert value == (None if row[name] is None else pytest.approx(row[name], rel=1e-5)), name
    figures = {
        name
        for name, column in COLUMNS.items()
        if column.group in ("quality", "memory", "speed")
        and "_ci_" not in name
        and any(row[name] is not None for row in rows)
    }
    assert {one["name"] for one in data["figures"]} == figures


def test_downloads_hold_all_rows(built: Path, stored: Stored) -> None:
    rows = read_rows(stored.results_dir, stored.data_dir)
    for path in (built / "data" / "results.jsonl", built / "data" / "sets" / "small.jsonl"):
        read = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert sorted(row["file"] for row in read) == sorted(row["file"] for row in rows)
    assert len((built / "data" / "methods" / "binary.csv").read_text().splitlines()) == 1 + 2


def test_plotly_is_written_once(built: Path) -> None:
    large = [path for path in built.rglob("*") if path.is_file() and path.stat().st_size > 1_000_000]
    assert [path.name for path in large] == ["plotly.min.js"]


def test_other_vectors_of_one_name_get_a_page_of_their_own(stored: Stored, tmp_path: Path) -> None:
    from binbench.harness.worker import perform

    other = make_set(tmp_path / "other" / "small.hdf5", seed=5)
    assert perform(job(other, stored.results_dir, "binary64", seed=1)) == ("ok", "")
    site(tmp_path / "site", stored.results_dir, stored.data_dir)
    names = {path.stem for path in (tmp_path / "site" / "sets").iterdir()}
    assert names == {f"small-{stored.embeddings.fingerprint}", f"small-{other.fingerprint}"}


def test_nothing_to_show_writes_nothing(stored: Stored, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no result passes"):
        site(tmp_path / "site", stored.results_dir, stored.data_dir, filters=["family=none"])
    assert not (tmp_path / "site").exists()
