"""Contributions: credit used for them and requests sum to what is due, and each return is booked once."""

from collections.abc import Iterator

from ledger import queries as books
from ledger.types import Line, credit, debit
from payouts.calculations import CONTRIBUTION, contribution_subject, pot_of
from payouts.enums import TransactionKind
from payouts.models import Contribution
from sunusav.core.auditing import AuditScope, Breach, pages
from sunusav.core.money import msat_from_sats
from sunusav.core.subjects import key_of
from transfers.collection_queries import live_due_for, live_due_pages
from transfers.credit_queries import credit_used_for, live_uses_pages
from transfers.types import credit_of


def returns_are_booked(scope: AuditScope) -> Iterator[Breach]:
    first = books.first_transaction_since(scope.since)
    returned = Contribution.objects.filter(return_transaction_id__gte=first)
    for page in pages(returned):
        booked = [row.return_transaction_id or 0 for row in page]
        kinds, lines = books.kinds_of(booked), books.lines_by_transaction(booked)
        for row in page:
            key = row.return_transaction_id or 0
            if kinds[key] != TransactionKind.CONTRIBUTION_RETURNED:
                yield Breach("I08", contribution_subject(row.pk), "not booked as a return")
            if sorted(_codes(lines[key])) != sorted(_codes(_lines(row))):
                yield Breach("I08b", contribution_subject(row.pk), "its return has other lines in the books")
    for found in books.transactions_of_kind(TransactionKind.CONTRIBUTION_RETURNED, since=scope.since):
        known = Contribution.objects.filter(return_transaction__in=found)
        for orphan in sorted(set(found) - set(known.values_list("return_transaction_id", flat=True))):
            yield Breach("I08", f"journal:{orphan}", "a return in the books without its contribution")


def credit_and_request_add_up(scope: AuditScope) -> Iterator[Breach]:
    """Compare the credit that pays for each contribution, and the rest that is asked for, with its amount."""
    for uses in live_uses_pages(f"{CONTRIBUTION}:", since=scope.since):
        owed = Contribution.objects.in_bulk([int(key_of(use.subject)) for use in uses])
        asked = live_due_for(use.subject for use in uses)
        for use in uses:
            row = owed.get(int(key_of(use.subject)))
            if row is None:
                yield Breach("I08", use.subject, "credit was used, and there is no such contribution")
                continue
            due, paid = msat_from_sats(row.amount_sats), use.amount_msat + asked.get(use.subject, 0)
            if (due, pot_of(row.cycle_id), credit_of(row.user_id).owner) != (paid, use.into, use.owner):
                detail = f"credit and request sum to {paid} msat, due are {due}"
                yield Breach("I08", use.subject, detail)
    yield from _requests_without_their_credit(scope)


def _requests_without_their_credit(scope: AuditScope) -> Iterator[Breach]:
    """Find the live requests for less than their contribution for which no credit pays."""
    for asked in live_due_pages(f"{CONTRIBUTION}:", since=scope.since):
        used = credit_used_for(asked)
        bare = {key_of(subject): due for subject, due in asked.items() if subject not in used}
        for pk, amount_sats in Contribution.objects.filter(pk__in=bare).values_list("pk", "amount_sats"):
            if bare[str(pk)] != msat_from_sats(amount_sats):
                detail = f"the request is for {bare[str(pk)]} msat, due are {msat_from_sats(amount_sats)}"
                yield Breach("I08", contribution_subject(pk), detail)


def _lines(row: Contribution) -> list[Line]:
    amount_msat = msat_from_sats(row.amount_sats)
    return [debit(pot_of(row.cycle_id), amount_msat), credit(credit_of(row.user_id), amount_msat)]


def _codes(lines: list[Line]) -> list[tuple[str, int]]:
    return [(line.account.code, line.amount) for line in lines]
