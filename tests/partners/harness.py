"""What the contract suite needs of a partner: its plug-ins, its simulator, and the simulator's record.

`HARNESSES` names one per partner; the invented partner of `tests/francs` is one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import pytest

from sandbox.simulator.control import Control
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


class Harness(Protocol):
    """A partner whose simulator runs. Phones are written with their country, amounts are whole francs.

    `phone` can be paid and can pay; nobody has `unknown_phone`; `foreign_phone` is of a country that is not served.
    """

    name: str
    traits: Traits
    phone: str
    other_phone: str
    unknown_phone: str
    foreign_phone: str

    @property
    def control(self) -> Control:
        """Steer the simulator by what all simulators have in common, such as its clock."""
        ...

    def start(self) -> None:
        """Start the simulator."""
        ...

    def stop(self) -> None: ...

    def kill(self) -> None:
        """Kill the simulator; `start` brings it back with what it had answered."""
        ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def reset(self, monkeypatch: pytest.MonkeyPatch, *, float_xof: int = 1_000_000) -> None:
        """Empty the simulator, fill our account, and set the environment so that the plug-ins call it."""
        ...

    def rail(self) -> Rail: ...

    def collector(self) -> Collector: ...

    def script_payout(self, step: Step | str, *, times: int = 1) -> int:
        """Script the next calls that pay out, by a step or the name of one. Return the script's number."""
        ...

    def script_find(self, step: Step | str, *, times: int = 1) -> int:
        """Script the next calls that look for a payout by its reference."""
        ...

    def script_open(self, step: Step | str, *, times: int = 1) -> int:
        """Script the next calls that open a request for money."""
        ...

    def wait_until_reached(self, number: int) -> None: ...

    def release(self, number: int) -> None: ...

    def refuse_next(self, kind: str) -> None:
        """Have the partner refuse the next payout: "recipient" finally, "float" as too little money, "credentials"."""
        ...

    def complete(self, reference: str, *, is_paid: bool) -> None:
        """End a pending payout."""
        ...

    def reverse(self, reference: str) -> None:
        """Give a paid payout back."""
        ...

    def paid(self) -> list[PaidOut]: ...

    def pay_in(self, reference: str, amount_xof: int | None = None, *, phone: str = "") -> None:
        """Pay a request for money, once more each time; the amount is what was asked for unless another is given."""
        ...

    def balance_xof(self) -> int:
        """Return what the simulator says our account holds."""
        ...


def harness_of(name: str, folder: Path) -> Harness:
    """Make the harness of a partner."""
    module, _, class_name = HARNESSES[name].rpartition(".")
    made: Harness = getattr(import_module(module), class_name)(folder)
    return made
