"""The plan for many machines: what follows from the options alone, worked out by hand."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from benchmarks.campaign import main


def test_hours_and_bytes() -> None:
    pytest.importorskip("distributed")
    asked = "--documents 7200000 --dimension 64 --queries 100 --workers 2 --documents-per-second 100 --text-bytes 500"
    done = CliRunner().invoke(main, asked.split())
    assert done.exit_code == 0, done.output
    told = dict(re.split(r" {2,}", line, maxsplit=1) for line in done.output.splitlines() if "  " in line)
    assert told["encoding: documents ÷ (workers × rate)"] == "10.00 h"
    assert told["disk: the set"] == "1.8 GB"
    assert told["network: texts to the workers"] == "3.6 GB"
    assert told["worker: a job's index, binary256, + 0.4 GB"] == "0.23 GB"
    # What a worker sends goes through the scheduler: at least twice over the network, with little beside.
    assert 2 <= float(re.findall(r"network ([\d.]+) bytes", done.output)[0]) < 4
