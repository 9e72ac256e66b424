"""Benchmark suites for airspeed velocity, and the guard over the figures they track; see docs/benchmarking.md."""

import os

#: What holds every numeric library to one thread.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

# asv.conf.json fixes the threads too, but its matrix does not apply to `--python=same` and to the guard.
for _variable, _count in ONE_THREAD.items():
    os.environ.setdefault(_variable, _count)
