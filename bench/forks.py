"""Run work in forked children that start together, each reporting when it began and ended.

The parent must not have used gRPC before: the threads of gRPC do not survive a fork.
"""

import json
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

Work = Callable[[], Any]


class ChildFailed(Exception):
    """A child failed; its traceback was printed."""


def seconds_of(warm_up: Work, works: Sequence[Work]) -> float:
    """Run each work in its own child, all at once after their warm-up; return the seconds until the last one ends."""
    connections.close_all()
    barrier = multiprocessing.get_context("fork").Barrier(len(works))
    children = [_start(warm_up, work, barrier) for work in works]
    spans = [_span_of(*child) for child in children]
    return max(end for _, end in spans) - min(start for start, _ in spans)


def _start(warm_up: Work, work: Work, barrier: Any) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    status = 1
    try:
        warm_up()
        barrier.wait()
        began = time.monotonic()
        work()
        os.write(writing, json.dumps([began, time.monotonic()]).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - a forked child reports every failure and never returns
        traceback.print_exc()
    finally:
        os._exit(status)


def _span_of(child: int, reading: int) -> tuple[float, float]:
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    if os.waitpid(child, 0)[1] or not text:
        raise ChildFailed
    began, ended = json.loads(text)
    return began, ended
