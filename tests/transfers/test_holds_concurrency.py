"""Holds under concurrency: callers on one account, each on its own connection; all that fits is paid, nothing else."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from ledger.enums import AccountRole, Currency
from ledger.queries import owed
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core.auditing import AuditScope
from tests.transfers.builders import BY, NODE, NOW
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from tests.transfers.test_limits_concurrency import at_once
from transfers.booking import IN_TRANSIT
from transfers.engine.runner import run_due
from transfers.enums import HoldFrom
from transfers.errors import FundsShort
from transfers.invariants import INVARIANTS
from transfers.models import Disbursement
from transfers.services.disbursements import cancel_disbursement, request_disbursement
from transfers.types import Choice, DisbursementRequest

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

CALLERS, FITTING = 32, 20
EACH_SATS = 1_000
FUND = AccountRef(AccountRole.FUND_RESERVED, Currency.MSAT)


def fill(sats: int) -> None:
    lines = [Line(NODE, sats * 1_000), Line(FUND, -sats * 1_000)]
    post(kind="receipt_for_test", reference="fund", lines=lines, at=NOW, subject="test")


def distribute(number: int, refusals: list[int], lock: threading.Lock) -> None:
    """Request one payment of 1,000 sats out of the fund; note that it was refused."""
    request = DisbursementRequest(
        subject=f"cycle:d{number}", payout_msat=EACH_SATS * 1_000, debit=FUND, priced_for=None,
        choices=(Choice(invoice_for(f"d{number}", EACH_SATS)),), hold_from=HoldFrom.REQUEST,
    )  # fmt: skip
    try:
        request_disbursement(request=request, actor=BY, now=NOW)
    except FundsShort:
        with lock:
            refusals.append(number)


def test_thirty_two_callers_on_one_account_hold_exactly_what_it_has(node: SteeredRail, watch: Watch) -> None:
    fill(FITTING * EACH_SATS + 500)
    refusals: list[int] = []
    lock = threading.Lock()

    at_once([partial(distribute, number, refusals, lock) for number in range(CALLERS)])

    assert len(refusals) == CALLERS - FITTING
    assert Disbursement.objects.count() == FITTING
    assert (owed(FUND), owed(IN_TRANSIT)) == (500_000, FITTING * EACH_SATS * 1_000)

    run_due(slots=1, clock=watch)

    assert set(Disbursement.objects.values_list("state", flat=True)) == {"completed"}
    assert sum(node.paid.values()) == FITTING * EACH_SATS * 1_000
    assert (owed(FUND), owed(IN_TRANSIT)) == (500_000, 0)
    scope = AuditScope(now=watch())
    assert [found for one in INVARIANTS if not one.waiting for found in one.find(scope)] == []


def test_cancelled_payments_give_back_what_others_may_have(node: SteeredRail, watch: Watch) -> None:
    """Sixteen hold all; they are cancelled while sixteen others ask for the same money: none is held twice."""
    fill(16 * EACH_SATS)
    refusals: list[int] = []
    lock = threading.Lock()
    for number in range(16):
        distribute(number, refusals, lock)
    ids = list(Disbursement.objects.order_by("pk").values_list("pk", flat=True))

    cancelling: list[Callable[[], object]] = [
        partial(cancel_disbursement, disbursement_id=pk, actor=BY, reason="test", now=NOW) for pk in ids
    ]
    requesting = [partial(distribute, number, refusals, lock) for number in range(16, CALLERS)]
    at_once([*cancelling, *requesting])

    live = Disbursement.objects.exclude(state="cancelled").count()
    assert live == 16 - len(refusals)
    assert (owed(FUND), owed(IN_TRANSIT)) == ((16 - live) * EACH_SATS * 1_000, live * EACH_SATS * 1_000)
    assert connection.vendor == "mysql"
