"""What an approver sees beside a proposal about a cycle or a member's credit: before, after, and the amounts."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from fees.queries import expected_fee
from ledger.queries import francs_now
from ledger.types import msat
from payouts.admin.reopening import first_choice_masked
from payouts.enums import CYCLE_CANCELLATION, CYCLE_SHORT_CLOSING, REFUND_PAYMENT, WINNER_EXCHANGE
from payouts.models import Cycle, ProposedRefund
from payouts.queries.credit import credit_msat
from payouts.queries.cycles import priced_for, stored_cycle
from payouts.queries.refunds import masked_destination
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence, typed_amount
from sunusav.backoffice.facts import show_code
from sunusav.backoffice.money import NOTHING, show_msat, show_sats, show_xof
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.money import msat_from_sats
from transfers.limit_queries import is_above_payout_limit

RETURNED = _("%(amount)s become the credit of %(settled)s members, and the cycle is never paid out.")
CLOSED = _(
    "The cycle is ready with %(amount)s of %(settled)s of %(members)s members. The others have missed it."
)
EXCHANGED = _("%(winner)s is the winner, no longer %(from_winner)s, and has to give a destination.")
PAID_OUT = _("%(amount)s leave the credit of %(user_id)s, without a fee, to the destination below.")
ASK_THE_GROUP = _("Check that the group has agreed.")
ASK_THE_MEMBER = _("Check with the member that the destination is theirs.")
ALL_HAVE_PAID = _("All members have paid: the group loses a round that could be paid out.")
MANY_MISSING = _("Fewer than half of the members have paid.")
DESTINATION_IS_LOST = _("The destination that the winner gave is lost.")


@evidence_for(CYCLE_CANCELLATION)
def cancellation_evidence(proposal: Proposal) -> Evidence:
    """Show what becomes of the pot, and of each member's contribution."""
    facts, row = proposal.facts, stored_cycle(proposal.subject_id)
    returned_sats, settled = facts["returned_sats"], facts["settled"]
    shown = {"amount": show_sats(returned_sats), "settled": settled}
    return Evidence(
        Box(IF_APPROVED, RETURNED % shown, steps=[ASK_THE_GROUP], tone="alarm"),
        [
            (_("State"), show_code(row.state), show_code("cancelled")),
            (
                _("Pot"),
                show_msat(facts["pot_msat"]),
                show_msat(facts["pot_msat"] - msat_from_sats(returned_sats)),
            ),
            (_("Credit of the members"), NOTHING, f"+{show_sats(returned_sats)}"),
        ],
        [
            (_("Returned to each member who paid"), show_sats(row.contribution_sats)),
            *_amount(returned_sats),
            *_paid(facts),
        ],
        warnings=[ALL_HAVE_PAID] if settled == facts["members"] else [],
    )


@evidence_for(CYCLE_SHORT_CLOSING)
def short_closing_evidence(proposal: Proposal) -> Evidence:
    """Show the smaller pot, and what its winner receives, beside those of a full cycle."""
    facts, now, row = proposal.facts, clock.now(), stored_cycle(proposal.subject_id)
    pot_sats, full_sats = facts["payout_total_sats"], facts["members"] * row.contribution_sats
    shown = {"amount": show_sats(pot_sats), "settled": facts["settled"], "members": facts["members"]}
    return Evidence(
        Box(IF_APPROVED, CLOSED % shown, steps=[ASK_THE_GROUP]),
        [
            (_("State"), show_code(row.state), show_code("ready")),
            (_("Pot to pay out"), show_sats(full_sats), show_sats(pot_sats)),
            (_("Fee"), *(show_sats(_fee(row, amount, now)) for amount in (full_sats, pot_sats))),
            (_("Net of the winner"), *(show_sats(amount - _fee(row, amount, now)) for amount in (full_sats, pot_sats))),
        ],
        [(_("Less for the winner"), show_sats(_net(row, full_sats, now) - _net(row, pot_sats, now))), *_paid(facts)],
        warnings=[MANY_MISSING] if 2 * facts["settled"] < facts["members"] else [],
    )  # fmt: skip


@evidence_for(WINNER_EXCHANGE)
def exchange_evidence(proposal: Proposal) -> Evidence:
    """Show both winners, and what the turn is worth."""
    facts, now, row = proposal.facts, clock.now(), stored_cycle(proposal.subject_id)
    pot_sats = row.payout_total_sats
    destination = first_choice_masked(row)
    return Evidence(
        Box(IF_APPROVED, EXCHANGED % facts, steps=[ASK_THE_GROUP]),
        [(_("Winner"), facts["from_winner"], facts["winner"]), (_("Destination"), destination, NOTHING)],
        [
            (_("Pot to pay out"), show_sats(pot_sats)),
            (_("Net of the winner"), show_sats(_net(row, pot_sats, now))),
            (_("State"), show_code(row.state)),
        ],
        warnings=[] if destination == NOTHING else [DESTINATION_IS_LOST],
    )


@evidence_for(REFUND_PAYMENT)
def refund_evidence(proposal: Proposal) -> Evidence:
    """Show the member's credit before and after, and where the money goes."""
    row, now = ProposedRefund.objects.get(pk=proposal.subject_id), clock.now()
    shown = {"amount": show_sats(row.amount_sats), "user_id": row.user_id}
    amount_msat, held_msat = msat_from_sats(row.amount_sats), credit_msat(row.user_id)
    is_large = is_above_payout_limit(msat(amount_msat), now=now)
    typed = typed_amount(row.amount_sats, shown=show_sats(row.amount_sats)) if is_large else None
    return Evidence(
        Box(IF_APPROVED, PAID_OUT % shown, steps=[ASK_THE_MEMBER]),
        [(_("Credit"), show_msat(held_msat), show_msat(held_msat - amount_msat))],
        [(_("Destination"), masked_destination(row)), *_amount(row.amount_sats)],
        warnings=[typed.why] if typed else [],
        typed=typed,
    )


def _amount(amount_sats: int) -> list[tuple[Any, Any]]:
    """Return an amount in sats, and in francs at the rate of now."""
    worth = francs_now(msat_from_sats(amount_sats), now=clock.now())
    return [(_("Amount"), show_sats(amount_sats)), (_("In francs, at the rate of now"), show_xof(worth))]


def _paid(facts: dict[str, Any]) -> list[tuple[Any, Any]]:
    return [
        (_("Members who have paid"), facts["settled"]),
        (_("Members who have not"), facts["members"] - facts["settled"]),
    ]


def _fee(row: Cycle, payout_sats: int, now: datetime) -> int:
    return expected_fee(payout_sats, priced_for(row), now).fee_sats


def _net(row: Cycle, payout_sats: int, now: datetime) -> int:
    return expected_fee(payout_sats, priced_for(row), now).net_sats
