"""A worker process of the payment engine: `python -m tests.live_lnd.engine.worker PLAN`, a `Plan` as JSON.

Settings come from the environment, as in production.
"""

import dataclasses
import json
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Self

import django
from django.test.utils import override_settings

from tests.crash.step_switch import STEP_SWITCH, Halt
from tests.support.process import die_with_parent

RAILS = {"lightning": "tests.live_lnd.engine.rails.RecordingRail"}


@dataclass(frozen=True)
class Plan:
    """What a worker does: one run over what is due, or a run every so often until SIGTERM; and where it is halted."""

    slots: int = 32
    limit: int = 10_000
    every_seconds: float = 0
    halts: tuple[Halt, ...] = ()

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = json.loads(text)
        halts = tuple(
            Halt(signal.Signals(one["signal"]), tuple(one["names"]), one["after"])
            for one in fields.pop("halts")
        )
        return cls(halts=halts, **fields)


def main(text: str) -> None:
    die_with_parent()
    plan, is_over = Plan.from_json(text), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    django.setup()
    from tests.crash.rails import watch_node
    from transfers.engine.runner import run_due

    with override_settings(RAILS=RAILS):
        signal.raise_signal(signal.SIGSTOP)  # it is ready, and begins when it is continued
        STEP_SWITCH.watch_databases()
        watch_node()
        STEP_SWITCH.plan(*plan.halts)
        run_due(slots=plan.slots, limit=plan.limit)
        while plan.every_seconds and not is_over.wait(plan.every_seconds):
            run_due(slots=plan.slots, limit=plan.limit)


if __name__ == "__main__":
    main(sys.argv[1])
