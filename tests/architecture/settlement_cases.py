"""How proposals about settlements are made, which facts their approver is shown, and how each of them can change."""

from datetime import timedelta
from decimal import Decimal

from partners.models import AdoptedSettlementAccount, Settlement, SettlementAccount
from partners.settlements.queries import person_of
from partners.settlements.services.accounts import SETTLEMENT_ACCOUNT
from sunusav.core.locks import lock
from sunusav.core.models import Proposal
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from tests.architecture.approval_kind import Kind, finance, locked, written
from tests.factories.payouts import NOW
from tests.factories.settlements import account_in_use, closed, proposed_account, rate_of, worked_example
from tests.factories.users import make_user
from tests.support.constraints import copy_of

IN_FEBRUARY = NOW - timedelta(days=10)
ANOTHER_PHONE = "+221779998877"


def _settlement() -> Proposal:
    rate_of("8000000", at=IN_FEBRUARY)
    worked_example(at=IN_FEBRUARY)
    account_in_use(now=NOW)
    closed(now=NOW)
    return Proposal.objects.get(kind="settlement")


def _account() -> Proposal:
    account_in_use(ANOTHER_PHONE, now=NOW)
    return proposed_account(now=NOW)


def _adopt_another(*, value: str = "", **changes: str) -> None:
    """Put another account of the partner in use, and leave the proposals as they are."""
    if value:
        changes["sealed_value"] = seal(person_of("wave"), value)  # type: ignore[assignment]
    other = copy_of(SettlementAccount.objects.earliest("pk"), **changes)
    other.save(force_insert=True)
    proposal = copy_of(Proposal.objects.earliest("pk"), state="withdrawn", decided_at=NOW)
    proposal.save(force_insert=True)
    AdoptedSettlementAccount.objects.create(
        account=other,
        adopted_at=NOW,
        proposal=proposal,
        proposer=finance(),
        approver=make_user(Role.APPROVER),
    )


SETTLEMENT_KINDS = {
    "settlement": Kind(
        propose=_settlement,
        constant=frozenset(),
        changes={
            "partner_name": written(Settlement, partner="orange"),
            "period_start": written(Settlement, period_start=NOW - timedelta(days=90)),
            "period_end": written(Settlement, period_end=NOW),
            "fee_records": written(Settlement, records=6),
            "accrued_sats": written(Settlement, accrued_sats=3_100, residue_msat=12_500),
            "accrued_exactly": written(Settlement, accrued_xof=Decimal("247.93")),
            "carried_exactly": written(Settlement, carried_xof=Decimal("0.01")),
            "due_xof": written(Settlement, due_xof=248),
            "left_over_exactly": written(Settlement, residue_xof=Decimal("0.93")),
            "taken_msat": written(Settlement, settled_msat=3_087_501, residue_msat=11_499),
            "settlement_account": _adopt_another,
            "rail": written(SettlementAccount, rail="orange"),
            "account_masked": written(SettlementAccount, kind="lightning_address"),
            "holder": written(SettlementAccount, holder="Another"),
            "account_digest": written(SettlementAccount, digest="0" * 64),
        },
        lock=locked(Settlement),
        meanwhile="due_xof",
    ),
    "settlement_account": Kind(
        propose=_account,
        constant=frozenset(),
        changes={
            "partner_name": written(SettlementAccount, partner="orange"),
            "rail": written(SettlementAccount, rail="orange"),
            "account_masked": written(SettlementAccount, kind="lightning_address"),
            "holder": written(SettlementAccount, holder="Another"),
            "account_digest": written(SettlementAccount, digest="0" * 64),
            "account_in_use": lambda: _adopt_another(value="+221700000001"),
            "holder_in_use": lambda: _adopt_another(holder="Another"),
            "reason": written(SettlementAccount, reason="another"),
        },
        lock=lambda: lock(SETTLEMENT_ACCOUNT),
        meanwhile="holder_in_use",
    ),
}
