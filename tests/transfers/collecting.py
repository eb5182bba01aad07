"""Collections as apps above open them: 10,000 sats for one subject."""

from __future__ import annotations

from datetime import datetime

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from tests.transfers.builders import BY, NOW
from transfers.models import Collection
from transfers.services.collections import open_collection, record_receipt
from transfers.types import CollectionFacts

DUE_SATS, DUE_MSAT = 10_000, 10_000_000
SUBJECT = "contribution:1"
CREDIT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
OVERPAID = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "user:u")


def opened(
    subject: str = SUBJECT, *, method: str = "lightning", amount_sats: int = DUE_SATS, now: datetime = NOW
) -> CollectionFacts:
    """Open a collection for a subject."""
    return open_collection(
        subject=subject, amount_sats=amount_sats, method=method, credit=CREDIT, overpaid=OVERPAID,
        memo="contribution", actor=BY, now=now,
    )  # fmt: skip


def received(facts: CollectionFacts, msat: int = DUE_MSAT, *, now: datetime = NOW) -> bool:
    """Record that money arrived."""
    return record_receipt(
        reference=facts.reference, received_msat=msat, proof="00" * 32, received_at=now, now=now
    )


def stored(facts: CollectionFacts) -> Collection:
    """Return the row as it is now."""
    return Collection.objects.get(pk=facts.id)
