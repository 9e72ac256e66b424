"""Benchmark suites for airspeed velocity, and the guard over the figures they track; see docs/benchmarking.md."""

import os

# asv.conf.json fixes the threads too, but its matrix does not apply to `--python=same` and to the guard.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
