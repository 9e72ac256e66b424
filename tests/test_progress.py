"""Progress as it is seen: plain lines in a log, one line of the terminal that is gone in the end."""

from __future__ import annotations

import logging
import os
import pty
import re
import struct
import subprocess
import sys
import threading
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest

from binbench.progress import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that tqdm sees."""
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def test_a_log_gets_a_plain_line_every_fifteen_seconds(
    clock: list[float], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "binbench")
    lines = []
    with progress("encoding tiny", 200, "texts", done=20) as advance:
        for _ in range(9):
            clock[0] += 5
            advance(10)
            lines.append(len(caplog.messages))
    assert lines == [0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert caplog.messages == [
        "encoding tiny: 50 of 200 texts, 2.00 texts/s, 01:15 left",
        "encoding tiny: 80 of 200 texts, 2.00 texts/s, 01:00 left",
        "encoding tiny: 110 of 200 texts, 2.00 texts/s, 00:45 left",
    ]
    assert capsys.readouterr() == ("", "")


def test_what_is_soon_done_or_not_to_be_logged_says_nothing(
    clock: list[float], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "binbench")
    with progress("quick", 10) as advance:
        clock[0] += 14
        advance(10)
    with progress("silent", 10, log=False) as advance:
        clock[0] += 100
        advance(5)
    assert caplog.messages == []
    assert capsys.readouterr() == ("", "")


def test_an_unknown_total_is_no_obstacle(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "binbench")
    with progress("downloading x", 0, "bytes") as advance:
        clock[0] += 20
        advance(3_000_000)
    assert caplog.messages == ["downloading x: 3.00M bytes, 150k bytes/s"]


SHOWN = """
import logging, time
from binbench.progress import progress
logging.basicConfig(format="%(message)s", level=logging.INFO)
with progress("writing a-collection-with-a-long-name-all-MiniLM-L6-v2, exact neighbours", 4000, "documents") as advance:
    for i in range(40):
        advance(100)
        time.sleep(0.02)
        if i == 20:
            logging.getLogger("binbench").info("a line of the log")
print("done")
"""


def test_on_a_terminal_of_80_columns_the_bar_keeps_to_its_line() -> None:
    controller, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", SHOWN], stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    )
    os.close(terminal)
    shown = b""
    patience = threading.Timer(60, process.kill)
    patience.start()
    while True:
        try:
            part = os.read(controller, 4096)
        except OSError:  # the last program has let go of the terminal
            break
        shown += part
    patience.cancel()
    assert process.wait() == 0
    os.close(controller)
    text = shown.decode()
    bars = [part for part in re.split(r"[\r\n]", text) if "documents/s" in part or "%|" in part]
    assert len(bars) > 3
    assert max(map(len, re.split(r"[\r\n]", text))) <= 80
    # What stays: the line of the log, whole, and what was printed; each bar is written over.
    kept = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    assert [line for line in kept if line] == ["a line of the log", "done"]


def test_what_is_being_done_stands_beside_the_bar() -> None:
    program = """
from binbench.progress import progress
with progress("running", 3, "jobs", log=False) as advance:
    advance(0, "scifact × pq8")
    advance(1)
    advance(0, "scifact × int8")
"""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "running:" in shown
    assert "scifact × pq8" in shown
    assert shown.rindex("scifact × int8") > shown.rindex("scifact × pq8")
