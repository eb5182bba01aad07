"""The hash chain of the books holds, and no transaction waits long for its seal."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from ledger.invariants.scope import SHOWN, journal_subject, transactions
from ledger.models import LedgerSeal
from ledger.queries import bodies_of
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages
from sunusav.core.sealing import GENESIS, chain_hash

UNSEALED_FOR_LONG = timedelta(minutes=5)


def _chain_holds(scope: AuditScope) -> Iterator[Breach]:
    """Recompute the chain, or its end since a moment, and yield each link that does not hold."""
    seals = LedgerSeal.objects.select_related("transaction")
    before = _last_before(scope.since)
    if before is None:
        yield from _broken_links(seals, expected_seq=1, previous=GENESIS)
    else:
        later = seals.filter(seq__gt=before.seq)
        yield from _broken_links(later, expected_seq=before.seq + 1, previous=before.hash)


def _last_before(moment: datetime | None) -> LedgerSeal | None:
    if moment is None:
        return None
    return LedgerSeal.objects.filter(sealed_at__lt=moment).order_by("-seq").first()


def _broken_links(seals: QuerySet[LedgerSeal], *, expected_seq: int, previous: str) -> Iterator[Breach]:
    for page in pages(seals):
        bodies = bodies_of([seal.transaction for seal in page])
        for seal, (_, body) in zip(page, bodies, strict=True):
            if seal.seq != expected_seq:
                yield Breach(
                    "I18", f"books:{expected_seq}", f"link missing: {expected_seq} is followed by {seal.seq}"
                )
            if chain_hash(previous, body) != seal.hash:
                yield Breach(
                    "I18", f"books:{seal.seq}", f"transaction {seal.transaction_id} does not fit its hash"
                )
            expected_seq, previous = seal.seq + 1, seal.hash


def _nothing_stays_unsealed(scope: AuditScope) -> Iterator[Breach]:
    late = transactions(scope).filter(seal=None, recorded_at__lt=scope.now - UNSEALED_FOR_LONG)
    for pk in late.order_by("id").values_list("pk", flat=True)[:SHOWN]:
        yield Breach("I20", journal_subject(pk), "not sealed for 5 minutes")


SEAL_INVARIANTS = [
    Invariant("I18", "the books' hash chain holds", _chain_holds),
    Invariant("I20", "no transaction waits for its seal", _nothing_stays_unsealed, waiting=True),
]
