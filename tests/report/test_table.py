"""Tables in every format."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from measured import REASON, Stored, job, make_set

from binbench.errors import UserError
from binbench.records import read
from binbench.records.rows import rows as read_rows
from binbench.report.render import FORMATS, Table, render
from binbench.report.table import TableOptions, show, table


def lines_of(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def made(stored: Stored, **options: object) -> str:
    return table(stored.results_dir, stored.data_dir, TableOptions(**options))  # type: ignore[arg-type]


def test_plain_tables_are_whole(stored: Stored) -> None:
    text = made(stored)
    assert text.splitlines()[0] == "small: 400 documents × 16, 20 queries, k = 20, batch, 1 thread, seed 0"
    header = next(line for line in text.splitlines() if line.startswith("method"))
    # Speed never stands without what it was measured with.
    assert "queries/s (Q=20, batch, 1 thr.)" in header
    assert len(lines_of(text, "binary64 ")) == 2
    assert lines_of(text, "opq8")[0].endswith(f"timeout: {REASON}")
    assert lines_of(text, "sign")[0].endswith("skipped: not today")
    assert "…" not in text
    assert "│" not in text


def test_retention_stands_with_its_interval(stored: Stored) -> None:
    row = next(r for r in read_rows(stored.results_dir, stored.data_dir) if r["method"] == "binary64")
    low, high = (f"{100 * row[f'retention_ci_{end}']:.1f}" for end in ("low", "high"))
    assert f"{row['retention']:.1%} [{low}, {high}]" in lines_of(made(stored), "binary64")[0]


def test_modes_never_share_a_table(stored: Stored) -> None:
    batch, single = made(stored).split("\n\n")
    assert ", batch, " in batch.splitlines()[0]
    assert ", single, " in single.splitlines()[0]


def test_columns_filters_and_order(stored: Stored) -> None:
    text = made(stored, columns=["method,k", "recall@10"], filters=["mode=batch", "status=ok"], sort=["-recall@10"])
    rows = [re.split(r" {2,}", line.strip()) for line in text.splitlines()[1:]]
    assert rows[0] == ["method", "k", "recall@10"]
    values = [float(row[2]) for row in rows[1:] if len(row) == 3]
    assert len(values) == 7
    assert values == sorted(values, reverse=True)


def test_ci_adds_every_interval(stored: Stored) -> None:
    row = next(r for r in read_rows(stored.results_dir, stored.data_dir) if r["method"] == "binary64")
    expected = f"{row['recall@10']:.4f} [{row['recall@10_ci_low']:.4f}, {row['recall@10_ci_high']:.4f}]"
    assert expected in made(stored, ci=True)
    assert expected not in made(stored)


def test_groups_get_tables_of_their_own(stored: Stored) -> None:
    text = made(stored, group_by=["family"], filters=["mode=batch", "family=pq,binary"])
    titles = lines_of(text, "small:")
    assert [title.rpartition(", ")[2] for title in titles] == ["family binary", "family pq"]


def test_markdown_has_one_cell_per_column(stored: Stored) -> None:
    text = made(stored, format="markdown", filters=["mode=batch"])
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    assert len({len(row) for row in rows}) == 1
    assert [cell.strip() for cell in rows[1]] == ["---", *["--:"] * 7, "---"]
    assert len(rows) == 2 + 9
    assert r"\| \"more\"".replace('\\"', '"') in text


def test_latex_escapes_what_it_must(stored: Stored) -> None:
    text = made(stored, format="latex", filters=["mode=batch"])
    assert r"timeout: took <b>longer</b> than 1 s \& 50 \% of \$x\_1 |" in text
    columns = re.search(r"\\begin{tabular}{([lr]+)}", text)
    assert columns
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    # A header and nine results.
    assert len(lines) == 10
    for line in lines:
        assert len(re.findall(r"(?<!\\)&", line)) == len(columns[1]) - 1


def test_rich_is_not_cut_where_there_is_no_terminal(stored: Stored) -> None:
    text = made(stored, format="rich")
    assert "│" in text
    assert REASON in text
    assert "…" not in text


def test_rich_folds_reasons_but_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    numbers = ["1,234,567.8", "100.0% [100.0, 100.0]"]
    text = render([Table("t", ["a", "b", "why"], [True, True, False], [[*numbers, "word " * 30]])], "rich")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert all(number in plain for number in numbers)
    assert max(map(len, plain.splitlines())) <= 60


@pytest.mark.parametrize("to", FORMATS)
def test_markup_in_cells_is_text(to: str) -> None:
    text = render([Table("[bold]t", ["[red]h"], [False], [["[link=x]c"]], ["[i]n"])], to)  # type: ignore[arg-type]
    for piece in ("[bold]t", "[red]h", "[link=x]c", "[i]n"):
        assert piece in text


def test_equal_bytes_are_compared_with_pq(stored: Stored) -> None:
    rows = {row["method"]: row for row in read_rows(stored.results_dir, stored.data_dir) if row["mode"] == "batch"}
    text = made(stored, iso_memory=True, filters=["mode=batch"])
    ratio = rows["binary64"]["recall@10"] / rows["pq8"]["recall@10"]
    binary = next(line for line in text.splitlines() if " binary64 " in line)
    assert re.search(rf" {ratio:.2f} \[\d\.\d\d, \d\.\d\d\]$", binary)
    assert next(line for line in text.splitlines() if " pq8" in line).endswith("–")
    # Nothing else takes what float takes.
    assert " float " not in text


@pytest.mark.parametrize("iso_memory", [False, True])
def test_memory_is_projected_to_other_numbers_of_documents(stored: Stored, iso_memory: bool) -> None:
    text = made(stored, documents=10_000_000, iso_memory=iso_memory, filters=["mode=batch", "status=ok"])
    header = re.split(r" {2,}", text.splitlines()[1].strip())
    assert header.index("GB at 10,000,000 documents") == (
        len(header) - 2 if iso_memory else header.index("total MB") + 1
    )
    (line,) = lines_of(text, "pq8") if not iso_memory else [one for one in text.splitlines() if " pq8" in one]
    # 8 bytes each and codebooks of 4 · 256 · 16 bytes: 80,016,384 bytes.
    assert "0.08002" in line
    assert "recall falls as a corpus grows" in text


def test_equal_bytes_need_company(stored: Stored) -> None:
    with pytest.raises(UserError, match="same bytes per vector"):
        made(stored, iso_memory=True, filters=["family=float,int8"])


def test_other_vectors_of_one_name_are_kept_apart(stored: Stored, tmp_path: Path) -> None:
    from binbench.harness.worker import perform

    made(stored)
    other = make_set(tmp_path / "other" / "small.hdf5", seed=5)
    assert perform(job(other, stored.results_dir, "binary64", seed=1)) == ("ok", "")
    titles = lines_of(made(stored, filters=["mode=batch"]), "small:")
    assert len(titles) == 2
    assert any(stored.embeddings.fingerprint in title for title in titles)
    assert any(other.fingerprint in title for title in titles)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"columns": ["recal@10"]}, "did you mean recall@10"),
        ({"filters": ["k=7"]}, "no result passes k=7"),
        ({"sort": ["nonsense"]}, "unknown column"),
        ({"format": "html"}, "unknown format"),
    ],
)
def test_mistakes(stored: Stored, options: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        made(stored, **options)


def test_show_prints_what_was_run_in_that_order(stored: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored.results_dir / "small" / "20"
    paths = [next((folder / family).glob("*.hdf5")) for family in ("pq-batch", "binary-batch")]
    show(read(stored.results_dir, paths))
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines()[2:4]] == ["pq8", "binary64"]
    show([])
    assert capsys.readouterr().out == ""
