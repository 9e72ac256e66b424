"""What a method holds while it is built."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import re, numpy as np
from pathlib import Path
from binbench.plugins.registry import ALGORITHMS

def most():
    return 1024 * int(re.findall(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[0])

train = np.ones((300_000, 64), np.float32)
ALGORITHMS.get("float").create(dimension=64, seed=0).fit(train[:1000])
before, found = most(), ALGORITHMS.get("float").create(dimension=64, seed=0)
found.fit(train)
print((most() - before) / train.nbytes, len(found.query(train[:1], 1)[0]))
"""


def test_a_flat_index_is_held_once_while_it_grows() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout.split()
    assert float(told[0]) < 1.2
    assert told[1] == "1"
