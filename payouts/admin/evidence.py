"""What an approver sees beside a proposal about a cycle or a member's credit: what happens, and what is there now."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from payouts.enums import CYCLE_CANCELLATION, CYCLE_SHORT_CLOSING, REFUND_PAYMENT, WINNER_EXCHANGE
from payouts.models import ProposedRefund
from payouts.queries.credit import credit_msat
from payouts.queries.refunds import masked_destination
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.money import show_msat, show_sats
from sunusav.backoffice.sections import Box, Facts, Section
from sunusav.core.models import Proposal

IF_APPROVED = _("If you approve")
RETURNED = _("%(amount)s become the credit of %(settled)s members, and the cycle is never paid out.")
CLOSED = _(
    "The cycle is ready with %(amount)s of %(settled)s of %(members)s members. The others have missed it."
)
EXCHANGED = _("%(winner)s is the winner, no longer %(from_winner)s, and has to give a destination.")
PAID_OUT = _("%(amount)s leave the credit of %(user_id)s, without a fee, to the destination below.")
ASK_THE_GROUP = _("Check that the group has agreed.")
ASK_THE_MEMBER = _("Check with the member that the destination is theirs.")


@evidence_for(CYCLE_CANCELLATION)
def cancellation_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    facts = proposal.facts
    shown = {"amount": show_sats(facts["returned_sats"]), "settled": facts["settled"]}
    return Box(title=IF_APPROVED, text=RETURNED % shown, steps=[ASK_THE_GROUP], tone="alarm"), ()


@evidence_for(CYCLE_SHORT_CLOSING)
def short_closing_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    facts = proposal.facts
    shown = {
        "amount": show_sats(facts["payout_total_sats"]), "settled": facts["settled"], "members": facts["members"],
    }  # fmt: skip
    return Box(title=IF_APPROVED, text=CLOSED % shown, steps=[ASK_THE_GROUP], tone="attention"), ()


@evidence_for(WINNER_EXCHANGE)
def exchange_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    return Box(
        title=IF_APPROVED, text=EXCHANGED % proposal.facts, steps=[ASK_THE_GROUP], tone="attention"
    ), ()


@evidence_for(REFUND_PAYMENT)
def refund_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    row = ProposedRefund.objects.get(pk=proposal.subject_id)
    shown = {"amount": show_sats(row.amount_sats), "user_id": row.user_id}
    box = Box(title=IF_APPROVED, text=PAID_OUT % shown, steps=[ASK_THE_MEMBER], tone="attention")
    facts = Facts(
        _("Where it goes"),
        ((_("Destination"), masked_destination(row)), (_("Credit now"), show_msat(credit_msat(row.user_id)))),
    )
    return box, (facts,)
