"""Disbursements and their attempts: paid once, for the right amount, with proof."""

from collections.abc import Iterator
from itertools import chain

from django.db.models import Count, F, Q

from sunusav.core.auditing import AuditScope, Breach
from sunusav.core.money import msat_from_sats
from transfers.enums import LIVE_ATTEMPT_STATES, PAID_STATES, RELEASED_STATES, AttemptState
from transfers.invariants.scope import SUCCEEDED, attempt_pages, disbursement_pages, name_of_attempt
from transfers.models import Attempt, Disbursement
from transfers.rails import rail
from transfers.services.disbursements import subject_of


def gross_is_net_plus_fee(scope: AuditScope) -> Iterator[Breach]:
    fixed = Disbursement.objects.filter(net_sats__isnull=False)
    wrong = fixed.exclude(payout_sats=F("net_sats") + F("fee_sats"), net_sats__gt=0, fee_sats__gte=0)
    for row in chain.from_iterable(disbursement_pages(scope, wrong)):
        yield Breach("I04", subject_of(row.pk), f"{row.payout_sats} is not {row.net_sats} + {row.fee_sats}")


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
        net_sats = attempt.disbursement.net_sats
        if net_sats is None or attempt.order.amount_msat != msat_from_sats(net_sats):
            detail = f"order of {attempt.order.amount_msat} msat, net {net_sats} sats"
            yield Breach("I06", name_of_attempt(attempt), detail)
        if not attempt.order.reference:
            yield Breach("I06", name_of_attempt(attempt), "no reference at the provider")


def proof_fits(scope: AuditScope) -> Iterator[Breach]:
    for attempt in chain.from_iterable(attempt_pages(scope, SUCCEEDED)):
        if not rail(attempt.order.rail).verify(attempt.order.reference, attempt.proof):
            yield Breach("I07", name_of_attempt(attempt), "the proof does not fit the reference")
