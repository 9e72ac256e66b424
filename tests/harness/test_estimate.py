"""How long a run will take, told before it does."""

from __future__ import annotations

import logging

import pytest
from measured import Stored, job, rows_of

from binbench.harness import run as module
from binbench.harness.estimate import ASSUMED_BUILD, ASSUMED_SEARCH, duration, measured, told
from binbench.harness.options import RunOptions, SetOptions
from binbench.harness.run import run


def test_times_of_what_was_measured_and_a_guess_for_the_rest(stored: Stored) -> None:
    embeddings = stored.embeddings
    row = next(row for row in rows_of(stored) if row["method"] == "int8")
    asked = [job(embeddings, stored.results_dir, name) for name in ("int8", "rabitq1")]
    seconds, unknown = duration(asked, {"small": embeddings}, stored.results_dir)
    # 400 documents of 16 dimensions, 20 queries, two repeats and a warm-up.
    known = row["build_seconds"] + 3 * 20 * row["seconds_per_query"]
    assert seconds == pytest.approx(known + 400 * 16 * (ASSUMED_BUILD + 3 * 20 * ASSUMED_SEARCH))
    assert unknown == 1
    # Every query argument is searched with; documents count in proportion.
    graph = job(embeddings, stored.results_dir, "hnsw16")
    times = measured(stored.results_dir)
    assert duration([graph], {"small": embeddings}, stored.results_dir)[0] == pytest.approx(
        400 * 16 * (times.build["hnsw16"] + 3 * 3 * 20 * times.search["hnsw16"])
    )
    assert times.seconds("int8", 800, 16, 60) == pytest.approx(2 * known)


@pytest.mark.parametrize(("seconds", "text"), [(61, "1 min"), (1200, "20 min"), (5399, "90 min"), (9000, "2.5 h")])
def test_as_people_say_it(seconds: float, text: str) -> None:
    assert told(seconds) == text


def test_long_runs_say_so_beforehand_and_short_ones_do_not(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "binbench")
    sets = SetOptions(datasets=(str(stored.data_dir / "small.hdf5"),), data_dir=stored.data_dir).preparations()
    options = RunOptions(results_dir=stored.results_dir, runs=1, counts=(20,))
    monkeypatch.setattr(module, "_perform", lambda *given: None)
    monkeypatch.setattr(module, "settle", lambda *given: ([], []))
    run(sets, ["rabitq2"], options)
    assert not [text for text in caplog.messages if "about" in text]
    monkeypatch.setattr(module, "duration", lambda *given: (600.0, 1))
    run(sets, ["rabitq2"], options)
    assert [text for text in caplog.messages if "about" in text] == [
        (
            "2 jobs, about 10 min, a guess for 1 of them that were never measured; "
            "a run that is stopped goes on where it was"
        )
    ]
