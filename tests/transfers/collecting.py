"""Collections as apps above open them: 10,000 sats for one subject."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money, msat
from tests.transfers.builders import BY, NOW
from transfers.models import Collection
from transfers.services.collections import open_collection
from transfers.services.receipts import record_receipt
from transfers.types import CollectionFacts

DUE_MSAT = 10_000_000
DUE = msat(DUE_MSAT)
SUBJECT = "contribution:1"
CREDIT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
OVERPAID = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "user:u")


def opened(
    subject: str = SUBJECT,
    *,
    method: str = "lightning",
    due: Money = DUE,
    now: datetime = NOW,
    phone: str = "",
) -> CollectionFacts:
    """Open a collection for a subject."""
    return open_collection(
        subject=subject, due=due, method=method, credit=CREDIT, overpaid=OVERPAID, memo="contribution", actor=BY,
        now=now, phone=phone,
    )  # fmt: skip


def received(
    facts: CollectionFacts, amount: int | None = None, *, payment: str = "", now: datetime = NOW
) -> bool:
    """Record that money arrived: what was asked for, or another amount in its currency."""
    money = facts.amount if amount is None else replace(facts.amount, amount=amount)
    return record_receipt(
        method=facts.method, reference=facts.reference, received=money, proof="00" * 32, received_at=now, now=now,
        payment_reference=payment,
    )  # fmt: skip


def stored(facts: CollectionFacts) -> Collection:
    """Return the row as it is now."""
    return Collection.objects.get(pk=facts.id)
