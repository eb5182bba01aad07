"""Scripted faults: which step happens at which phase of which payment.

A payment passes four phases: `arrived` (call received, nothing stored), `created` (row stored, nothing sent),
`in_flight` (an HTLC is out), `resolved` (terminal and stored, not yet answered). See docs/simulated-node.md.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lightning.proto.lightning_pb2 import PaymentFailureReason
from sandbox.lnd.clock import NS_PER_SECOND, Clock
from sandbox.lnd.errors import ControlRefused
from sandbox.lnd.rows import ScriptRow
from sandbox.lnd.store import Store

ARRIVED, CREATED, IN_FLIGHT, RESOLVED = PHASES = ("arrived", "created", "in_flight", "resolved")
ANY = "*"
# The node stored an attempt, and none of its channels has the HTLC; a restart changes nothing (LND issue 9340).
LEFT_IN_FLIGHT = "left_in_flight"
ENDLESS = -1

# Steps and their fields; `at` is a phase. These affect the answer only, except that waiting at `created`, or until
# `in_flight` is resolved, holds the payment as well.
STREAM_STEPS = {
    "delay": {"at", "seconds"},
    "hold": {"at"},
    "drop": {"at"},
    "hang": {"at"},
    "end": {"at"},
    "error": {"at", "code", "text"},
}
# These decide the outcome of the payment and are stored with its row.
OUTCOME_STEPS = {
    "succeed": set[str](),
    "fail": {"reason"},
    "fee": {"fee_msat"},
    "in_flight": {"seconds"},
    "stuck": {"even_after_restart"},
    "left_in_flight": set[str](),
    "bad_preimage": set[str](),
    "misreport": {"value_msat", "payment_request"},
    "delete_row": {"at"},
}
STEPS = STREAM_STEPS | OUTCOME_STEPS
OPTIONAL = {"code", "text", "even_after_restart", "value_msat", "payment_request"}
Step = dict[str, Any]


def check_steps(steps: Iterable[Step]) -> None:
    """Refuse a script that names an unknown step, field, phase or reason."""
    for step in steps:
        name, given = step.get("do"), set(step) - {"do"}
        if name not in STEPS or given - STEPS[name]:
            raise ControlRefused(f"unknown step or field: {step}")
        if STEPS[name] - OPTIONAL - given or step.get("at", ARRIVED) not in PHASES:
            raise ControlRefused(
                f"{name} needs {', '.join(STEPS[name])}; `at` is one of {', '.join(PHASES)}: {step}"
            )
        if name == "fail":
            reason_number(step["reason"])


def reason_number(name: str) -> int:
    try:
        return PaymentFailureReason.Value(f"FAILURE_REASON_{name}")
    except ValueError as error:
        raise ControlRefused(f"unknown failure reason {name}") from error


@dataclass(frozen=True)
class Plan:
    """The scripted steps of one payment."""

    steps: tuple[Step, ...] = ()

    def stream_steps(self, phase: str) -> list[Step]:
        return [step for step in self.steps if step["do"] in STREAM_STEPS and step["at"] == phase]

    def outcome(self) -> "ScriptedOutcome":
        """Combine the steps that decide the outcome of the payment."""
        scripted = ScriptedOutcome()
        for step in self.steps:
            scripted.apply(step)
        return scripted


@dataclass
class ScriptedOutcome:
    """What the script decides for a payment; without values the simulated network decides."""

    result: str = ""
    reason: int = 0
    fee_msat: int | None = None
    wait_seconds: float = 0
    held: bool = False
    resolve_at_ns: int = 0
    even_after_restart: bool = False
    bad_preimage: bool = False
    deleted_at: str = ""
    misreport: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ScriptedOutcome":
        return cls(**stored)

    def stored(self) -> dict[str, object]:
        empty = ScriptedOutcome()
        return {name: value for name, value in vars(self).items() if value != getattr(empty, name)}

    @property
    def waits(self) -> bool:
        return self.held or self.wait_seconds > 0

    def apply(self, step: Step) -> None:
        match step["do"]:
            case "fail":
                self.result, self.reason = "fail", reason_number(step["reason"])
            case "stuck":
                self.result, self.even_after_restart = "stuck", bool(step.get("even_after_restart"))
            case "left_in_flight":
                self.result = LEFT_IN_FLIGHT
            case "fee":
                self.fee_msat = int(step["fee_msat"])
            case "in_flight" | "delay" | "hold":
                self._apply_waiting(step)
            case "bad_preimage":
                self.bad_preimage = True
            case "misreport":
                self.misreport = {name: value for name, value in step.items() if name != "do"}
            case "delete_row":
                self.deleted_at = step["at"]

    def _apply_waiting(self, step: Step) -> None:
        """Keep the HTLC in flight for some seconds, or until it is released."""
        if step.get("at", IN_FLIGHT) != IN_FLIGHT:
            return
        self.wait_seconds = step.get("seconds") or 0
        self.held = not self.wait_seconds

    def started(self, now_ns: int) -> "ScriptedOutcome":
        """Set the time at which the HTLC resolves; it is stored and survives a restart."""
        self.resolve_at_ns = now_ns + int(self.wait_seconds * NS_PER_SECOND)
        return self


class ScriptBook:
    """The scripts for future payments. The caller holds the shared lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scripts = {script.id: script for script in store.load(ScriptRow)}

    def add(self, *, node: str, payment_hash: str, steps: list[Step], count: int) -> ScriptRow:
        check_steps(steps)
        script = ScriptRow(
            max(self._scripts, default=0) + 1, node, payment_hash, count, [dict(step) for step in steps]
        )
        self._scripts[script.id] = script
        self._store.save(script)
        return script

    def take(self, node: str, payment_hash: str) -> Plan:
        """Return the plan for a call just received: the newest script for its hash, else the newest for all hashes."""
        active = [script for script in self._scripts.values() if script.node == node]
        own = [script for script in active if script.payment_hash == payment_hash]
        chosen = own or [script for script in active if script.payment_hash == ANY]
        return self._use(chosen[-1]) if chosen else Plan()

    def clear(self, node: str) -> None:
        for script in [script for script in self._scripts.values() if script.node == node]:
            self._drop(script)

    def _use(self, script: ScriptRow) -> Plan:
        if script.remaining != ENDLESS:
            script.remaining -= 1
            if script.remaining <= 0:
                self._drop(script)
            else:
                self._store.save(script)
        return Plan(tuple(script.steps))

    def _drop(self, script: ScriptRow) -> None:
        del self._scripts[script.id]
        self._store.remove(script)


CALL_STEPS = {name: STREAM_STEPS[name] - {"at"} for name in ("delay", "drop", "error", "hang")}
# A call that waits at `received` is checked, macaroon included, when it goes on; only there can it wait for a release.
RECEIVED, BEFORE, AFTER = "received", "before", "after"
STEPS_AT = {RECEIVED: {"delay", "hold"}, BEFORE: set(CALL_STEPS), AFTER: set(CALL_STEPS)}


class CallFaults:
    """Faults of whole calls of one node, such as an AddInvoice whose answer is lost. Not stored."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str, Step, int]] = []
        self._lock = threading.Lock()

    def add(self, method: str, at: str, step: Step, count: int) -> None:
        name = str(step.get("do"))
        if name not in STEPS_AT.get(at, ()) or set(step) - {"do"} - CALL_STEPS.get(name, set()):
            raise ControlRefused(f"unknown step or moment: {at} {step}")
        with self._lock:
            self._waiting.append((method, at, step, count))

    def take(self, method: str, at: str) -> Step | None:
        """Return the oldest step for this method and moment, and decrement its count."""
        if not self._waiting:
            return None
        with self._lock:
            for place, (wanted, moment, step, count) in enumerate(self._waiting):
                if (wanted, moment) == (method, at):
                    left = [(wanted, moment, step, count - 1)] if count > 1 else []
                    self._waiting[place : place + 1] = left if count != ENDLESS else [self._waiting[place]]
                    return step
        return None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()


Place = tuple[str, str, str]  # node, payment hash in hex, phase; or node, method, `received`


class Gates:
    """The places where scripted payments wait, and those they have reached. Waiting uses the clock's wake-up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reached: dict[Place, int] = {}
        self._held: set[Place] = set()
        self._released: set[Place] = set()
        self._lock = threading.Lock()
        self.closing = False

    def reach(self, place: Place) -> None:
        with self._lock:
            self._reached[place] = self._reached.get(place, 0) + 1
        self._clock.wake_sleepers()

    def hold(self, place: Place) -> None:
        """Wait until released. Callers mark the place as held before reaching it, so that no release is missed."""
        self._clock.sleep_until(None, lambda: self.closing or place in self._released)
        self.forget(place)

    def forget(self, place: Place) -> None:
        self._held.discard(place)
        self._released.discard(place)

    def is_released(self, place: Place) -> bool:
        return place in self._released

    def release(self, node: str, payment_hash: str, phase: str | None) -> int:
        """Release the named places; for `*` or no phase, those that are held. Return how many were released."""
        if payment_hash != ANY and phase is not None:
            chosen = {(node, payment_hash, phase)}
        else:
            chosen = {place for place in list(self._held) if _matches(place, node, payment_hash, phase)}
        self._released |= chosen
        self._clock.wake_sleepers()
        return len(chosen)

    def mark_held(self, place: Place) -> None:
        self._held.add(place)

    def was_reached(self, node: str, payment_hash: str, phase: str) -> int:
        return sum(
            count
            for place, count in list(self._reached.items())
            if _matches(place, node, payment_hash, phase)
        )


def _matches(place: Place, node: str, payment_hash: str, phase: str | None) -> bool:
    return place[0] == node and payment_hash in (ANY, place[1]) and phase in (None, place[2])
