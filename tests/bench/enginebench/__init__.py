"""Sections of `bench_engine.py`."""

import os

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before torch is loaded: waiting threads would take the other core
