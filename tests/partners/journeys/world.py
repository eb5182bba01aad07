"""A payment to a phone in the engine's hands, with one clock for it and the partner. Amounts worked by hand.

12,299 sats at 8,000,000 are 983.92 XOF: 983 leave, and 0.92 XOF are 11,500 msat of the winner's credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.types import AccountRef
from sunusav.core.approvals import approve, propose
from sunusav.core.auditing import AuditScope
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.ledger.builders import stored_rate
from tests.partners.harness import Harness, PaidOut
from tests.transfers.builders import BY, fund, pot, row_of, run
from tests.transfers.rails import Watch
from transfers.booking import IN_TRANSIT
from transfers.engine.runner import run_due
from transfers.enums import PROVIDER_SWITCH_ON, ResolutionVerdict
from transfers.invariants import INVARIANTS
from transfers.models import Attempt
from transfers.queries import is_switched_off
from transfers.services.disbursements import request_disbursement, retry_disbursement
from transfers.services.resolutions import propose_resolution
from transfers.types import Choice, Destination, DisbursementRequest

SUBJECT, WINNER = "cycle:awa", "member:awa"
CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, WINNER)
FLOAT_XOF = 1_000_000
ROUND_SECONDS = 15
# Long enough for retries of 60 and 120 s, and for an order that the partner hides for half a minute.
ROUNDS = 16
LONG_ROUND_SECONDS, DAY_SECONDS = 10_800, 86_400


@dataclass
class World:
    """One payment, the partner and the clock that both see."""

    partner: Harness
    watch: Watch
    disbursement_id: int = 0
    ahead_seconds: int = field(default=0)

    @property
    def float(self) -> AccountRef:
        return AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, self.partner.name)

    @property
    def charges(self) -> AccountRef:
        return AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, self.partner.name)

    def to_phone(self) -> Destination:
        return Destination(self.partner.name, "phone", self.partner.phone)

    def order(self, sats: int, *, choices: Sequence[Destination] = ()) -> None:
        """Fund a pot, and order its payment without a fee: to a phone of the partner unless others are given."""
        stored_rate("8000000", at=self.watch())
        fund(SUBJECT, sats)
        request = DisbursementRequest(
            subject=SUBJECT, payout_msat=sats * 1_000, debit=pot(SUBJECT), priced_for=None, residue=CREDIT,
            choices=tuple(Choice(one) for one in choices or [self.to_phone()]),
        )  # fmt: skip
        self.disbursement_id = request_disbursement(request=request, actor=BY, now=self.watch())

    def advance(self, seconds: int) -> None:
        """Let time pass for us and for the partner."""
        self.watch.advance(seconds)
        self.ahead_seconds += seconds
        self.partner.control.set(ahead_seconds=self.ahead_seconds)

    def run(self) -> None:
        run(self.watch)

    def finish(self, *, rounds: int = ROUNDS) -> str:
        """Let workers run every fifteen seconds until the payment ends or waits for people; return its state."""
        for _ in range(rounds):
            self.run()
            if self.state in {"completed", "failed", "needs_review", "cancelled"}:
                break
            self.advance(ROUND_SECONDS)
        return self.state

    def pass_days(self, days: int = 2) -> str:
        """Let workers run every three hours, for some days; return the state of the payment."""
        for _ in range(days * DAY_SECONDS // LONG_ROUND_SECONDS):
            if self.state != "processing":
                break
            self.advance(LONG_ROUND_SECONDS)
            self.run()
        return self.state

    def resolve_as_unpaid(self) -> None:
        """Have two people find it unpaid once it can be paid no more, and one have it paid anew."""
        self.advance(DAY_SECONDS + LONG_ROUND_SECONDS)
        self.run()
        proposal = propose_resolution(
            disbursement_id=self.disbursement_id, verdict=ResolutionVerdict.NOT_PAID,
            explanation="the partner's statement does not have it", proposer=make_user(Role.FINANCE), now=self.watch(),
        )  # fmt: skip
        approver = make_user(Role.APPROVER)
        approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=self.watch())
        if self.state in {"failed", "needs_review"}:
            retry_disbursement(
                disbursement_id=self.disbursement_id, actor=BY, reason="found unpaid", now=self.watch()
            )

    def switch_on(self) -> None:
        """Have two people switch the partner on again."""
        proposal = propose(
            kind=PROVIDER_SWITCH_ON, subject_id=self.partner.name, proposer=make_user(Role.FINANCE), now=self.watch(),
            reason="the key was renewed",
        )  # fmt: skip
        self.advance(1)
        approver = make_user(Role.APPROVER)
        approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=self.watch())

    # What there is in the end

    @property
    def state(self) -> str:
        return row_of(self.disbursement_id).state

    @property
    def retries(self) -> int:
        return row_of(self.disbursement_id).retries

    @property
    def is_switched_off(self) -> bool:
        return is_switched_off(self.partner.name)

    @property
    def failure_code(self) -> str:
        return row_of(self.disbursement_id).failure_code

    @property
    def references(self) -> list[str]:
        """Return the references of all orders, oldest first."""
        found = Attempt.objects.filter(disbursement_id=self.disbursement_id).order_by("number")
        return list(dict.fromkeys(found.values_list("order__reference", flat=True)))

    def paid_once(self, amount_xof: int) -> list[PaidOut]:
        """Return what the partner's record shows if the last order was paid once, and no other was."""
        return [PaidOut(self.references[-1], self.partner.phone, amount_xof)]

    def require_booked(self, *, pay_xof: int, credit_msat: int) -> None:
        """Require that the books show one payment, as the partner does."""
        assert (owed(CREDIT), owed(IN_TRANSIT), owed(pot(SUBJECT))) == (credit_msat, 0, 0)
        left_xof = -balance(self.float)
        assert left_xof == pay_xof + balance(self.charges)
        if self.partner.traits.states_charges:
            assert left_xof == FLOAT_XOF - self.partner.balance_xof()

    def breaches(self) -> list[str]:
        scope = AuditScope(now=self.watch())
        return [found.detail for one in INVARIANTS if not one.waiting for found in one.find(scope)]


def work_at_once(world: World) -> None:
    """Run a worker of its own, as one of many."""
    run_due(slots=1, clock=world.watch)
