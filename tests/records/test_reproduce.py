"""The command that measures a record anew."""

from __future__ import annotations

from measured import Stored, by_method, rows_of


def test_the_command_names_the_job(stored: Stored) -> None:
    row = by_method(rows_of(stored), "single")["binary64"]
    assert row["reproduce"] == (
        "python -m binbench run --algorithm binary64 --dataset data/small.hdf5 --count 20 --mode single --seed 0 "
        "--runs 2 --threads 1 --plugin mine.py"
    )
