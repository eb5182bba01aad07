"""Processes that stop themselves: `python -m tests.core.stopped NAME` prints "went on" unless the watchdog ends it."""

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from typing import Any

from sunusav.core.watchdog import ends_if_stopped

LIMIT_SECONDS = 2.0
LONG_LIMIT_SECONDS = 60.0


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    print("went on", flush=True)


def inside() -> None:
    with ends_if_stopped(seconds=LIMIT_SECONDS):
        stop()


def after() -> None:
    with ends_if_stopped(seconds=LIMIT_SECONDS):
        pass
    stop()


def after_an_error() -> None:
    with suppress(ZeroDivisionError), ends_if_stopped(seconds=LIMIT_SECONDS):
        print(1 // 0)
    stop()


def after_an_inner_block() -> None:
    with ends_if_stopped(seconds=LIMIT_SECONDS):
        with ends_if_stopped(seconds=LIMIT_SECONDS):
            pass
        stop()


def inside_a_longer_block() -> None:
    with ends_if_stopped(seconds=LONG_LIMIT_SECONDS), ends_if_stopped(seconds=LIMIT_SECONDS):
        stop()


def after_the_block_of_another_thread() -> None:
    with ends_if_stopped(seconds=LIMIT_SECONDS):
        other = threading.Thread(target=_run_in_block)
        other.start()
        other.join()
        stop()


def in_the_block_of_another_thread() -> None:
    ended, begun = threading.Event(), threading.Event()
    threading.Thread(target=_run_in_block, args=(begun, ended), daemon=True).start()
    begun.wait()
    stop()


def in_a_forked_child() -> None:
    with ends_if_stopped(seconds=LIMIT_SECONDS):
        child = os.fork()
        if child:
            _, status = os.waitpid(child, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            time.sleep(1.5 * LIMIT_SECONDS)
            os.kill(child, signal.SIGCONT)
            sys.exit(_as_exit_status(os.waitpid(child, 0)[1]))
        inside()


def inside_for_a_moment() -> None:
    with ends_if_stopped(seconds=LONG_LIMIT_SECONDS):
        stop()


def busy() -> None:
    """Run for longer than the limit: only the thread keeps the timer from expiring."""
    with ends_if_stopped(seconds=2 * LIMIT_SECONDS):
        ends = time.monotonic() + 3 * LIMIT_SECONDS
        while time.monotonic() < ends:
            pass
    print("went on", flush=True)


def with_a_handler_of_others() -> None:
    signal.signal(signal.SIGALRM, lambda *_: print("their handler ran", flush=True))
    inside()


def with_a_timer_of_others() -> None:
    signal.setitimer(signal.ITIMER_REAL, LONG_LIMIT_SECONDS)
    inside()
    assert signal.getitimer(signal.ITIMER_REAL)[0] > LIMIT_SECONDS


def _run_in_block(begun: Any = None, ended: Any = None) -> None:
    with ExitStack() as block:
        block.enter_context(ends_if_stopped(seconds=LIMIT_SECONDS))
        if begun:
            begun.set()
            ended.wait()


def _as_exit_status(status: int) -> int:
    return 100 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
