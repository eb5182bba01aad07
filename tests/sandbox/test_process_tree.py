"""The process tree of `make run` starts again what ends by itself."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.process_tree import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, STEADY_SECONDS, ProcessTree

ENDS = [sys.executable, "-c", "raise SystemExit(3)"]
STAYS = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
PATIENCE_SECONDS = 60.0


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def tree(tmp_path: Path, clock: Seconds) -> Iterator[ProcessTree]:
    tree = ProcessTree(tmp_path, clock=clock)
    yield tree
    tree.stop()


def test_killed_child_is_started_again_with_the_same_command(tree: ProcessTree, clock: Seconds) -> None:
    tree.start("beat", STAYS, os.environ)
    tree.start("web", STAYS, os.environ)
    first = _pids(tree, "beat", 1)
    os.kill(first[0], 9)
    _wait_until(lambda: tree.ended() == "beat")

    assert tree.restart_ended() == ["beat exited with status -9"]
    assert tree.restart_ended() == []
    clock.now = FIRST_PAUSE_SECONDS
    assert tree.restart_ended() == ["beat was started again"]

    assert len(set(_pids(tree, "beat", 2))) == 2
    assert len(_pids(tree, "web", 1)) == 1
    assert tree.ended() is None
    events = [line for line in tree.log_tail("beat").splitlines() if line.startswith("---")]
    assert events == ["--- beat exited with status -9", "--- beat was started again"]


def test_pause_before_a_restart_doubles_up_to_the_longest(tree: ProcessTree, clock: Seconds) -> None:
    tree.start("beat", ENDS, os.environ)

    assert [_pause(tree, clock) for _ in range(7)] == [
        1,
        2,
        4,
        8,
        16,
        LONGEST_PAUSE_SECONDS,
        LONGEST_PAUSE_SECONDS,
    ]


def test_child_that_ran_steadily_is_started_again_after_the_first_pause(
    tree: ProcessTree, clock: Seconds
) -> None:
    tree.start("beat", ENDS, os.environ)
    pauses = [_pause(tree, clock) for _ in range(3)]
    clock.now += STEADY_SECONDS
    pauses.append(_pause(tree, clock))

    assert pauses == [1, 2, 4, 1]


def _pause(tree: ProcessTree, clock: Seconds) -> float:
    """Let the child exit and come back; return after how many seconds it did."""
    _wait_until(lambda: tree.ended() is not None)
    assert tree.restart_ended() == ["beat exited with status 3"]
    exited_at = clock.now
    while not tree.restart_ended():
        clock.now += 1
    return clock.now - exited_at


def _pids(tree: ProcessTree, name: str, count: int) -> list[int]:
    def found() -> list[int]:
        return [int(line) for line in tree.log_tail(name).splitlines() if line.isdigit()]

    _wait_until(lambda: len(found()) == count)
    return found()


def _wait_until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)
