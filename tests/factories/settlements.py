"""Shares of fees that accrue to partners, and settlements in any state, as in production."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from fees import services as fees
from fees.accrual_queries import accruals_in
from fees.enums import DiscountKind
from fees.models import FeeRecord
from fees.queries import holder_of
from fees.types import PricedFor
from ledger.enums import AccountRole, Currency
from ledger.models import ExchangeRate
from ledger.services import post
from ledger.types import AccountRef, Line
from partners.models import ContestedLine, Settlement, SettlementAccount
from partners.settlements.queries import person_of, settlement, span_of
from partners.settlements.services.accounts import SETTLEMENT_ACCOUNT, propose_settlement_account
from partners.settlements.services.contests import Contest, record_contested_line
from partners.settlements.services.payments import Approved
from partners.settlements.services.windows import close_window
from sunusav.core import approvals
from sunusav.core.actors import Actor
from sunusav.core.models import Proposal, User
from sunusav.core.privacy import keys_for
from sunusav.core.roles import Role
from tests.factories.attachments import PDF, upload
from tests.factories.users import make_user
from transfers.booking import fee_lines
from transfers.models import Partner
from transfers.services.destinations import digest_of_destination, seal_destination
from transfers.types import Destination

BY = Actor.system("tests")
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
# The middle of a month in Dakar, and a moment at which it is over.
IN_OCTOBER = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)
ON_THE_FIRST = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
PHONE = "+221771234567"
_numbers = count(1)


def rate_of(rate_xof_per_btc: str, *, at: datetime = IN_OCTOBER) -> ExchangeRate:
    """Store a rate from the market, which fees of that moment are booked with."""
    return ExchangeRate.objects.create(
        rate_xof_per_btc=Decimal(rate_xof_per_btc),
        source="test",
        observed_at=at,
        recorded_at=at,
        is_fallback=False,
    )


def accrue(
    payout_sats: int,
    *,
    at: datetime = IN_OCTOBER,
    partner: str = "wave",
    verified: bool = False,
    recurring: bool = False,
) -> int:
    """Fix, record and book the fee of a payout; return the id of the record. Fixed at the rate last stored."""
    number = next(_numbers)
    group, winner = f"group-{number}", f"winner-{number}"
    for kind, holder, is_granted in (
        (DiscountKind.VERIFIED_GROUP, group, verified),
        (DiscountKind.SUBSCRIPTION, winner, recurring),
    ):
        if is_granted:
            fees.grant_discount(
                holder=holder_of(kind, holder), kind=kind, discount_bps=None, starts_at=at, ends_at=None,
                granted_for=f"test:{number}", actor=BY, now=at,
            )  # fmt: skip
    subject = f"cycle:settled-{number}"
    fixed = fees.fix_fee(
        subject=subject, payout_sats=payout_sats, priced_for=PricedFor(group, winner, partner), now=at
    )
    reference = f"settled:{number}"
    fees.record_fees({fixed.assessment_id: reference}, completed_at=at)
    lines = [line for line in fee_lines(fixed) if line.amount]
    total = -sum(line.amount for line in lines)
    post(kind="fee_for_test", reference=reference, lines=[Line(NODE, total), *lines], at=at, subject=subject)
    return FeeRecord.objects.get(assessment=fixed.assessment_id).pk


def worked_example(*, at: datetime = IN_OCTOBER, partner: str = "wave") -> None:
    """Accrue 38 + 19 + 28 + 14 + 3,000 = 3,099 sats."""
    for verified, recurring in ((False, False), (True, False), (False, True), (True, True)):
        accrue(12_345, at=at, partner=partner, verified=verified, recurring=recurring)
    accrue(1_000_000, at=at, partner=partner)


def closed(
    *, partner: str = "wave", now: datetime = ON_THE_FIRST, proposer: User | None = None
) -> Settlement:
    return close_window(partner=partner, proposer=proposer or _finance(), now=now)


def contested(
    row: Settlement, *, now: datetime = ON_THE_FIRST, recorder: User | None = None
) -> ContestedLine:
    """Record that the partner contests the first line of a statement."""
    line = next(accruals_in(row.partner, span_of(row)))
    letter = upload(name=f"letter-{row.pk}.pdf", content=PDF + str(row.pk).encode())
    return record_contested_line(
        settlement_id=row.pk, contest=Contest(line.record_id, now.date(), "they have 37", letter),
        recorder=recorder or _finance(), now=now,
    )  # fmt: skip


def seen_of(row: Settlement) -> tuple[int, str]:
    """Return the proposal that waits about a settlement, and its digest."""
    facts = settlement(row.pk)
    assert facts.proposal_id is not None
    return facts.proposal_id, facts.digest


def approved(row: Settlement, *, now: datetime = ON_THE_FIRST, approver: User | None = None) -> Approved:
    """Approve a settlement; return what its executor sees."""
    proposal_id, digest = seen_of(row)
    approvals.approve(proposal_id=proposal_id, approver=approver or _approver(), digest=digest, now=now)
    return Approved(proposal_id, digest)


def proposed_account(
    value: str = PHONE, *, partner: str = "wave", now: datetime = ON_THE_FIRST, proposer: User | None = None
) -> Proposal:
    return propose_settlement_account(
        partner=partner, value=value, holder="Wave Sénégal SA", reason="their letter of 2 October",
        proposer=proposer or _finance(), now=now,
    )  # fmt: skip


def account_in_use(
    value: str = PHONE, *, partner: str = "wave", now: datetime = ON_THE_FIRST
) -> SettlementAccount:
    proposal = proposed_account(value, partner=partner, now=now)
    approvals.approve(proposal_id=proposal.pk, approver=_approver(), digest=proposal.digest, now=now)
    return SettlementAccount.objects.get(pk=proposal.subject_id)


def another_partner(*, at: datetime, now: datetime) -> str:
    """Add a partner to the directory to which fees accrued, with an account that Wave's rail pays; return its code."""
    code = f"partner-{next(_numbers)}"
    last = Partner.objects.order_by("-position").values_list("position", flat=True).first() or 0
    Partner.objects.create(code=code, name=code, countries=["SN"], position=last + 1)
    worked_example(at=at, partner=code)
    account_of_another(code, PHONE, now=now)
    return code


def account_of_another(code: str, value: str, *, now: datetime) -> None:
    """Put an account in use for a partner that has no rail of its own."""
    proposal = proposed_for_another(code, value, now=now)
    approvals.approve(proposal_id=proposal.pk, approver=_approver(), digest=proposal.digest, now=now)


def proposed_for_another(code: str, value: str, *, now: datetime) -> Proposal:
    """Propose an account for a partner that has no rail of its own."""
    keys, person, destination = (
        keys_for(person_of(code)),
        person_of(code),
        Destination("wave", "phone", value),
    )
    proposer = _finance()
    row = SettlementAccount.objects.create(
        partner=code, rail="wave", kind="phone", holder="Another", reason="their letter", proposer=proposer,
        sealed_value=seal_destination(keys, person, destination).sealed_value,
        digest=digest_of_destination(keys, person, destination), proposed_at=now,
    )  # fmt: skip
    return approvals.propose(kind=SETTLEMENT_ACCOUNT, subject_id=str(row.pk), proposer=proposer, now=now)


def _finance() -> User:
    return make_user(Role.FINANCE, username=f"settlements-finance-{next(_numbers)}")


def _approver() -> User:
    return make_user(Role.APPROVER, username=f"settlements-approver-{next(_numbers)}")
