"""What the contract suite needs of a partner: its plug-ins, its simulator, and the simulator's record.

`HARNESSES` names one per partner; the invented partner of `tests/francs` is one of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from sandbox.simulator.control import Control
from sandbox.simulator.process import PartnerProcess
from sandbox.simulator.script import Step
from transfers.collectors import Collector
from transfers.rails import Rail

# By the name of the partner. Each class is made with the folder of its state.
HARNESSES: dict[str, str] = {
    "wave": "tests.partners.wave.harness.WaveHarness",
    "orange": "tests.partners.orange.harness.OrangeHarness",
    "mtn": "tests.partners.mtn.harness.MtnHarness",
    "franc": "tests.francs.harness.FrancHarness",
    "franc-unfenced": "tests.francs.harness.UnfencedFrancHarness",
    "franc-repeating": "tests.francs.harness.RepeatingFrancHarness",
}
# Without the variants of a partner that differ in paying out only.
DISTINCT = sorted(name for name in HARNESSES if "-" not in name)


@dataclass(frozen=True)
class PaidOut:
    """One payout that left our account, by the simulator's record; one that was given back stays listed."""

    reference: str
    phone: str
    amount_xof: int


@dataclass(frozen=True)
class Traits:
    """How a partner differs from others, as far as tests must know it.

    `pays_at_once`: an accepted payout is answered as paid, not as pending. `is_idempotent`: one reference is paid once.
    `states_charges`: the answer says what it cost. `is_listed_unpaid`: a request for money is found before it is paid.
    `is_cancellable`: a request can be ended by us. `takes_second_payment`: it can be paid twice. `takes_other_amounts`:
    a payer can pay another amount than asked. `is_reversible`: the partner reports payouts that were given back.
    `has_statement`: it lists what it paid.
    """

    pays_at_once: bool = True
    is_idempotent: bool = True
    states_charges: bool = True
    is_listed_unpaid: bool = True
    is_cancellable: bool = True
    takes_second_payment: bool = True
    is_reversible: bool = True
    has_statement: bool = True
    takes_other_amounts: bool = False


class Harness(ABC):
    """A partner whose simulator runs. Phones are written with their country, amounts are whole francs.

    `phone` can be paid and can pay; nobody has `unknown_phone`; `foreign_phone` is of a country that is not served.
    `paying_call`, `finding_call` and `opening_call` are the simulator's names of the calls that pay out, that look for
    a payout by its reference, and that open a request for money.
    """

    name: str
    traits: Traits
    phone: str
    other_phone: str
    unknown_phone: str
    foreign_phone: str
    paying_call: str
    finding_call: str
    opening_call: str

    def __init__(self, process: PartnerProcess) -> None:
        self.process = process

    @property
    def url(self) -> str:
        return self.process.url

    @property
    def control(self) -> Control:
        """Steer the simulator by what all simulators have in common, such as its clock."""
        return self.process.control

    def start(self) -> None:
        """Start the simulator."""
        self.process.start()

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """Kill the simulator; `start` brings it back with what it had answered."""
        self.process.kill()

    def freeze(self) -> None:
        self.process.freeze()

    def thaw(self) -> None:
        self.process.thaw()

    def script_payout(self, step: Step | str, *, times: int = 1) -> int:
        """Script the next calls that pay out, by a step or the name of one. Return the script's number."""
        return self.control.script(self.paying_call, step, times=times)

    def script_find(self, step: Step | str, *, times: int = 1) -> int:
        return self.control.script(self.finding_call, step, times=times)

    def script_open(self, step: Step | str, *, times: int = 1) -> int:
        return self.control.script(self.opening_call, step, times=times)

    def wait_until_reached(self, number: int) -> None:
        self.control.wait_until_reached(number)

    def release(self, number: int) -> None:
        self.control.release(number)

    @abstractmethod
    def reset(self, monkeypatch: pytest.MonkeyPatch, *, float_xof: int = 1_000_000) -> None:
        """Empty the simulator, fill our account, and set the environment so that the plug-ins call it."""

    @abstractmethod
    def rail(self) -> Rail: ...

    @abstractmethod
    def collector(self) -> Collector: ...

    @abstractmethod
    def refuse_next(self, kind: str) -> None:
        """Have the partner refuse the next payout: "recipient" finally, "float" as too little money, "credentials"."""

    @abstractmethod
    def complete(self, reference: str, *, is_paid: bool) -> None:
        """End a pending payout."""

    def reverse(self, reference: str) -> None:
        """Give a paid payout back; only of a partner that `is_reversible`."""
        raise NotImplementedError(f"{reference}: {self.name} gives no payout back")

    @abstractmethod
    def paid(self) -> list[PaidOut]: ...

    @abstractmethod
    def pay_in(self, reference: str, amount_xof: int | None = None, *, phone: str = "") -> None:
        """Pay a request for money, once more each time; the amount is what was asked for unless another is given."""

    @abstractmethod
    def balance_xof(self) -> int:
        """Return what the simulator says our account holds."""


def harness_of(name: str, folder: Path) -> Harness:
    """Make the harness of a partner."""
    module, _, class_name = HARNESSES[name].rpartition(".")
    made: Harness = getattr(import_module(module), class_name)(folder)
    return made
