"""A process that was stopped is ended when it goes on, before the code that was stopped."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.core.stopped import LIMIT_SECONDS

ENDED = (-signal.SIGALRM, "")
WENT_ON = (0, "went on\n")
LONGER = 1.5 * LIMIT_SECONDS


@pytest.mark.parametrize(
    "scene",
    [
        "inside",
        "after_an_inner_block",
        "inside_a_longer_block",
        "after_the_block_of_another_thread",
        "in_the_block_of_another_thread",
    ],
)
def test_process_stopped_inside_a_block_is_ended(scene: str) -> None:
    assert _stopped(scene, seconds=LONGER)[:2] == ENDED


@pytest.mark.parametrize("scene", ["after", "after_an_error"])
def test_process_stopped_after_its_blocks_goes_on(scene: str) -> None:
    assert _stopped(scene, seconds=LONGER)[:2] == WENT_ON


def test_process_stopped_for_a_moment_goes_on() -> None:
    assert _stopped("inside_for_a_moment", seconds=0)[:2] == WENT_ON


def test_process_that_is_busy_for_longer_goes_on() -> None:
    assert _run("busy") == WENT_ON


@pytest.mark.parametrize("scene", ["with_a_handler_of_others", "with_a_timer_of_others"])
def test_signal_of_others_is_left_to_them_with_a_warning(scene: str) -> None:
    status, printed, errors = _stopped(scene, seconds=LONGER)
    assert (status, printed) == WENT_ON
    assert "SIGALRM is in use" in errors


def test_forked_child_has_a_timer_of_its_own() -> None:
    assert _run("in_a_forked_child") == (100 + signal.SIGALRM, "")


def _run(scene: str) -> tuple[int, str]:
    done = subprocess.run(_command(scene), stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def _stopped(scene: str, *, seconds: float) -> tuple[int, str, str]:
    """Continue a scene this long after it stopped itself; return its exit status and what it printed."""
    child = subprocess.Popen(_command(scene), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "the process ended instead of stopping"
    time.sleep(seconds)
    child.send_signal(signal.SIGCONT)
    printed, errors = child.communicate(timeout=60)
    return child.returncode, printed, errors


def _command(scene: str) -> list[str]:
    return [sys.executable, "-m", "tests.core.stopped", scene]
