"""Files that are whole or not there, whatever kills the writer; paths as people write them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from binbench.errors import UserError
from binbench.files import atomic, path_of, require_space

KILLED = """
import os, pathlib, signal, sys
from binbench.files import atomic
with atomic(pathlib.Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_kill_leaves_is_removed_by_the_next_that_writes_there(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.txt")], check=False)
    [left] = tmp_path.iterdir()
    assert left.read_text() == "half"
    # Of a process that is alive (this one), and of another machine.
    others = [left.with_name(f".b.txt.{left.name.split('.')[3].rpartition('-')[0]}-{os.getppid()}.tmp")]
    others.append(left.with_name(".b.txt.elsewhere-1.tmp"))
    for other in others:
        other.write_text("")
    with atomic(tmp_path / "c.txt") as temporary:
        temporary.write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "c.txt"])


def test_an_error_leaves_nothing(tmp_path):
    def fails(temporary: Path) -> None:
        temporary.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "a") as temporary:
        fails(temporary)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_written_over(tmp_path):
    with pytest.raises(UserError, match=f"cannot write {tmp_path}: Is a directory"), atomic(tmp_path):
        pass


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("~nobody-here/x", "~nobody-here/x: there is no user of that name"),
        ("a\0b", r"'a\\x00b' holds a character that no path can have"),
        ("a\ud800", r"'a\\ud800' holds a character that no path can have"),
        ("x" * 256, f"{'x' * 100}… is too long for the name of a file"),
    ],
)
def test_what_is_no_path(text, message):
    with pytest.raises(UserError, match=message):
        path_of(text)


def test_paths_are_as_they_are_given(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert path_of("~/x,y z") == Path("/home/me/x,y z")
    assert path_of(Path("not/there")) == Path("not/there")


def test_more_than_the_disk_holds(tmp_path):
    require_space(tmp_path / "to" / "be made", 1, "write a byte")
    with pytest.raises(UserError, match=r"not enough disk to write it all: 1000000000000.0 GB needed, .* free some"):
        require_space(tmp_path, 10**21, "write it all")


@pytest.mark.parametrize("module", ["binbench.cli", "click", "numpy"])
def test_an_interrupt_while_the_command_loads_is_one_line(module, tmp_path):
    code = f"""
import builtins, runpy, sys
real = builtins.__import__
def interrupted(name, *rest, **more):
    if name == {module!r}:
        raise KeyboardInterrupt
    return real(name, *rest, **more)
builtins.__import__ = interrupted
sys.argv = ["binbench", "run", "--dataset", "synthetic-60x8", "--algorithm", "float"]
runpy.run_module("binbench.__main__", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "binbench: interrupted")
