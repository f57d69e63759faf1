"""A web process whose clock is off: `python -m webapp.devtools.skewed SECONDS uvicorn-arguments…`, for the fault matrix.

Shifts `time.time` and Django's `timezone.now` before the application is imported; waiting and monotonic time stay right, as
they do on a machine whose wall clock was set wrong.
"""

import sys
import time
from datetime import timedelta

import uvicorn
from django.utils import timezone


def shift(seconds: float) -> None:
    """Let this process believe that it is so many seconds later."""
    right_time, right_now = time.time, timezone.now
    time.time = lambda: right_time() + seconds
    timezone.now = lambda: right_now() + timedelta(seconds=seconds)


if __name__ == "__main__":
    shift(float(sys.argv.pop(1)))
    uvicorn.main()
