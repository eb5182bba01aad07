"""What the application does every day and what people decide, in one walk through the services."""

from datetime import timedelta

from django.db import transaction

from fees.enums import DiscountKind
from fees.models import FeeRecord, FeeSchedule
from fees.services import grant_discount, reverse_fee, revoke_discount
from ledger.auditor import AuditReport, audit_and_guard
from ledger.enums import AccountRole, Currency
from ledger.services import post, repay_receivables, require_owed, take_back
from ledger.types import AccountRef, credit, debit
from sunusav.core import approvals, switches
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.payouts import ACTOR, NOW
from tests.factories.users import make_user
from tests.fees.builders import draft, published
from tests.journeys.history import AUDITED_AT, History, make_history, seal
from tests.transfers.rails import SteeredRail
from transfers.enums import LimitKind

FUND = AccountRef(AccountRole.COMMUNITY_FUND, Currency.MSAT)
POT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:main-paths")
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)


def walk(node: SteeredRail) -> tuple[History, AuditReport]:
    """Pay, refuse, retry and cancel payouts; audit them; then change rules, reverse a fee and reserve an account."""
    history = make_history(node)
    report = audit_and_guard(now=AUDITED_AT)
    change_the_limits()
    publish_a_schedule()
    change_a_discount()
    reverse_the_first_fee()
    spend_and_take_back()
    pause_and_resume()
    seal()
    return history, report


def change_the_limits() -> None:
    for kind in LimitKind.values:
        set_limit_to(kind, 5_000_000, now=NOW)


def publish_a_schedule() -> FeeSchedule:
    finance = make_user(Role.FINANCE)
    later = NOW + timedelta(days=30)
    return published(draft(finance, effective_at=later), finance, make_user(Role.APPROVER), now=NOW)


def change_a_discount() -> None:
    grant_discount(
        holder="user:awa", kind=DiscountKind.SUBSCRIPTION, discount_bps=2_500, starts_at=NOW, ends_at=None,
        granted_for="test:1", actor=ACTOR, now=NOW,
    )  # fmt: skip
    revoke_discount(holder="user:awa", kind=DiscountKind.SUBSCRIPTION, actor=ACTOR, now=NOW)


def reverse_the_first_fee() -> None:
    record = FeeRecord.objects.order_by("id")[0]
    reverse_fee(record_id=record.pk, actor=ACTOR, reason="test", now=NOW)


def spend_and_take_back() -> None:
    with transaction.atomic():
        require_owed({FUND: 1_000}, now=NOW)
        post(
            kind="t", reference="spent", lines=[debit(FUND, 1_000), credit(NODE, 1_000)], at=NOW, subject="s"
        )
    with transaction.atomic():
        lines = [*take_back({FUND: 10_000_000}), credit(POT, 10_000_000)]
        post(kind="t", reference="taken-back", lines=lines, at=NOW, subject="s")
    post(kind="t", reference="accrued", lines=[debit(NODE, 1_000), credit(FUND, 1_000)], at=NOW, subject="s")
    assert repay_receivables(now=NOW) == 1


def pause_and_resume() -> None:
    switches.pause_outgoing(actor=ACTOR, reason="test", now=NOW)
    proposal = approvals.propose(
        kind="outgoing_resume", subject_id="outgoing", proposer=make_user(Role.FINANCE), now=NOW
    )
    approver = make_user(Role.APPROVER)
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)
