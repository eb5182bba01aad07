"""Disbursements and their attempts: paid once, for the right amount, with proof."""

from collections.abc import Iterator
from itertools import chain

from django.db.models import Count, F, Q

from ledger.enums import Currency
from sunusav.core.auditing import AuditScope, Breach
from transfers.enums import LIVE_ATTEMPT_STATES, PAID_STATES, RELEASED_STATES, AttemptState
from transfers.invariants.scope import SUCCEEDED, attempt_pages, disbursement_pages, name_of_attempt
from transfers.models import Attempt, Disbursement
from transfers.queries import subject_of
from transfers.rails import rail


def gross_is_net_plus_fee(scope: AuditScope) -> Iterator[Breach]:
    fixed = Disbursement.objects.filter(net_msat__isnull=False)
    wrong = fixed.exclude(payout_msat=F("net_msat") + F("fee_msat"), net_msat__gt=0, fee_msat__gte=0)
    for row in chain.from_iterable(disbursement_pages(scope, wrong)):
        yield Breach("I04", subject_of(row.pk), f"{row.payout_msat} is not {row.net_msat} + {row.fee_msat}")


def paid_exactly_once(scope: AuditScope) -> Iterator[Breach]:
    counted = Disbursement.objects.annotate(
        live=Count("attempts", filter=Q(attempts__state__in=LIVE_ATTEMPT_STATES)),
        succeeded=Count("attempts", filter=Q(attempts__state=AttemptState.SUCCEEDED)),
    )
    for row in chain.from_iterable(disbursement_pages(scope, counted.filter(live__gt=1))):
        yield Breach("I05", subject_of(row.pk), f"{row.live} live attempts")
    paid = counted.filter(state__in=PAID_STATES)
    for row in chain.from_iterable(disbursement_pages(scope, paid.exclude(succeeded=1))):
        yield Breach("I05", subject_of(row.pk), f"{row.state} with {row.succeeded} succeeded attempts")
    unpaid = counted.exclude(state__in=PAID_STATES)
    for row in chain.from_iterable(disbursement_pages(scope, unpaid.filter(succeeded__gt=0))):
        yield Breach("I05", subject_of(row.pk), f"{row.state} although an attempt succeeded")


def one_live_per_subject(scope: AuditScope) -> Iterator[Breach]:
    live = Disbursement.objects.exclude(state__in=RELEASED_STATES)
    reported: set[str] = set()
    for page in disbursement_pages(scope, live):
        of_page = live.filter(subject__in={row.subject for row in page}).values("subject")
        for found in of_page.annotate(n=Count("id")).filter(n__gt=1).order_by("subject"):
            if found["subject"] not in reported:
                yield Breach("I05", found["subject"], f"{found['n']} live disbursements")
            reported.add(found["subject"])


def sent_amount_is_net(scope: AuditScope) -> Iterator[Breach]:
    sent = Attempt.objects.exclude(state=AttemptState.VOID)
    for attempt in chain.from_iterable(attempt_pages(scope, sent)):
        row, order = attempt.disbursement, attempt.order
        expected = row.pay_xof if order.currency == Currency.XOF else row.net_msat
        if order.amount != expected:
            detail = f"order of {order.amount} {order.currency}, expected {expected}"
            yield Breach("I06", name_of_attempt(attempt), detail)
        if not attempt.order.reference:
            yield Breach("I06", name_of_attempt(attempt), "no reference at the provider")


def proof_fits(scope: AuditScope) -> Iterator[Breach]:
    for attempt in chain.from_iterable(attempt_pages(scope, SUCCEEDED)):
        if not rail(attempt.order.rail).verify(attempt.order.reference, attempt.proof):
            yield Breach("I07", name_of_attempt(attempt), "the proof does not fit the reference")
