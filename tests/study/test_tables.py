"""Tables of experiments on terminals of any width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study.conftest import Ran
from study.made_up import codes, method_row
from terminals import EDGES, ESCAPES, WIDTHS, cells, nothing_is_cut

from binbench.report.render import Table, fitted, render
from binbench.study.experiment import Outcome, experiments
from binbench.study.experiments.e2 import E2, Sweep
from binbench.study.report.views import appendix, averages
from binbench.study.tables import quality_table, table


def test_nothing_of_an_experiment_is_cut(ran: Ran) -> None:
    nothing_is_cut(["study", "e5", str(ran.campaign), *ran.options], ran.campaign.parent)


def shown(made: Table, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of a table on a terminal of `width` columns, as rich understands these variables."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    return [line for line in ESCAPES.sub("", render([made], "rich")).splitlines() if line[:1] in EDGES]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_table_fits(ran: Ran, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [Outcome.read(ran.study.folder / f"{name}.json", one) for name, one in experiments().items()]
    tables = [made for outcome in outcomes for made in outcome.tables]
    assert len(tables) > len(outcomes)
    for made in tables:
        lines = shown(made, width, monkeypatch)
        assert max(map(len, lines)) <= width
        # What a row says is in its cells, whole: broken between words in the first one, and nowhere in a number.
        kept = fitted(made, width)
        rows = cells(lines)
        for i, is_number in enumerate(kept.right):
            told = " ".join(row[i] for row in rows)
            for line in kept.lines:
                assert (line[i] in told) if is_number else line[i].replace(" ", "") in told.replace(" ", "")


WORD = st.text("abcdefgh", min_size=1, max_size=12)
NUMBER = st.integers(0, 10**9).map(lambda number: f"{number:,}")


@given(
    st.lists(st.booleans(), min_size=1, max_size=8).flatmap(
        lambda numeric: st.tuples(
            st.lists(WORD, min_size=len(numeric) + 1, max_size=len(numeric) + 1),
            st.lists(
                st.tuples(WORD, *(NUMBER if one else st.lists(WORD, max_size=9).map(" ".join) for one in numeric)),
                min_size=1,
                max_size=4,
            ),
        )
    ),
    st.sampled_from(WIDTHS),
)
def test_any_table_fits(content: tuple[list[str], list[tuple[str, ...]]], width: int) -> None:
    made = table("", *content)
    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = shown(made, width, monkeypatch)
    assert max(map(len, lines)) <= width
    kept = fitted(made, width)
    # Texts are given up only after all numbers, and the name of a row never.
    assert kept.header[0] == made.header[0]
    assert any(kept.right) <= (kept.right.count(False) == made.right.count(False))


def test_times_of_different_machines_stand_side_by_side_with_a_sign() -> None:
    rows = [
        method_row("a", "e", name, 0.5, machine=machine, train_seconds=None)
        for name, machine in (("float", "big, 16 cores"), ("int8", "small, 2 cores"), ("sign", "small, 2 cores"))
    ]
    tables = {
        "queries/s": quality_table(rows, ""),
        "ms a query": appendix(rows),
        "queries/s (geometric)": averages(rows, "e"),
    }
    for column, made in tables.items():
        assert made.notes[-1] == "‡ timed on big, 16 cores; the others on small, 2 cores."
        name, time = made.header.index("method"), made.header.index(column)
        assert {line[name]: "‡" in line[time] for line in made.lines} == {"float": True, "int8": False, "sign": False}
        assert not any("‡" in note for note in quality_table([r for r in rows if "small" in r.machine], "").notes)


def test_speeds_of_codes_name_the_machine() -> None:
    swept = [codes(bits=bits, machine=f"{name}, 2 cores") for bits, name in ((64, "old"), (128, "new"), (256, "new"))]
    (made,) = E2().tables(Sweep(codes=tuple(swept), failures=()))
    assert made.notes == ["‡ timed on old, 2 cores; the others on new, 2 cores."]
    for column in ("encoded rows/s", "queries/s"):
        assert [line[made.header.index(column)] for line in made.lines] == ["1,000‡", "1,000", "1,000"]
