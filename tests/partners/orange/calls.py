"""What tests of Orange call: instructions, deadlines, orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.types import xof
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.partners.orange.harness import OrangeHarness
from transfers.types import Destination, Instruction, Order

AMOUNT_XOF = 7_960


def phone_of(number: str) -> Destination:
    return Destination(rail="orange", kind="phone", value=number)


def instruction(
    amount_xof: int = AMOUNT_XOF, *, phone: str = OrangeHarness.phone, **changes: Any
) -> Instruction:
    """Return an instruction to pay a phone."""
    return Instruction(disbursement_id=7, amount=xof(amount_xof), destination=phone_of(phone), **changes)


def deadline(seconds: float = 20) -> Deadline:
    """Return a deadline so many seconds from now; negative: it has passed."""
    now = datetime.now(UTC)
    duration = timedelta(seconds=seconds)
    return Deadline.after(duration, at=now + duration, read_at_ns=boottime_ns())


def prepared(orange: OrangeHarness, amount_xof: int = AMOUNT_XOF, **changes: Any) -> Order:
    """Return an order as the rail prepares it now."""
    return orange.rail().prepare(instruction(amount_xof, **changes), now=datetime.now(UTC))
