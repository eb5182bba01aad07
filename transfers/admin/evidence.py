"""What an approver reads beside a proposal about a payment or a limit: what follows, and the payment's story."""

from collections.abc import Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.facts import long, moment, show_text
from sunusav.backoffice.money import show_sats
from sunusav.backoffice.sections import Box, Facts, Section, link_to, show_subject
from sunusav.core.models import Proposal
from transfers.admin.story import attempts_with_story, facts_of, story_of
from transfers.enums import LimitKind, ResolutionVerdict
from transfers.models import Disbursement
from transfers.services.limit_waivers import LIMIT_WAIVER
from transfers.services.limits import PAYMENT_LIMIT
from transfers.services.resolutions import MANUAL_RESOLUTION

IF_APPROVED = _("If you approve")
PAID_FOLLOWS = _(
    "The payment counts as paid, for good: %(amount)s are booked as received by the recipient, and nothing more is"
    " sent. The preimage was checked against the payment hash."
)
NOT_PAID_FOLLOWS = _(
    "The money held for it is given back and the payment can be sent again. If the recipient was paid after all, they"
    " are paid twice: make sure that their wallet received nothing."
)
LIMIT_FOLLOWS = _("For all payments from now on, the limit “%(limit)s” is %(after)s instead of %(before)s.")
EXCEPTION_FOLLOWS = _("%(amount)s leave at once for %(payee)s, past what holds this payment back.")


@evidence_for(MANUAL_RESOLUTION)
def resolution_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what an end decided by people brings, and all that is known of the payment."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    is_paid = proposal.facts["proposed_end"] == ResolutionVerdict.PAID
    says = PAID_FOLLOWS % {"amount": show_sats(row.net_sats)} if is_paid else NOT_PAID_FOLLOWS
    attempts = list(attempts_with_story(row))
    story: list[Section] = [payment_facts(row), story_of(row, attempts)]
    story += [facts_of(attempt) for attempt in attempts]
    return Box(title=IF_APPROVED, says=says, tone="attention" if is_paid else "alarm"), story


@evidence_for(LIMIT_WAIVER)
def waiver_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what an exception lets go, and what held it back."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    says = EXCEPTION_FOLLOWS % {"amount": show_sats(row.net_sats), "payee": row.payee_ref}
    attempts = list(attempts_with_story(row))
    return Box(title=IF_APPROVED, says=says), (payment_facts(row), story_of(row, attempts))


@evidence_for(PAYMENT_LIMIT)
def limit_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show which limit becomes what."""
    told = {
        "limit": gettext(str(LimitKind(proposal.facts["kind"]).label)),
        "before": show_sats(proposal.facts["in_force_sats"]),
        "after": show_sats(proposal.facts["amount_sats"]),
    }
    return Box(title=IF_APPROVED, says=LIMIT_FOLLOWS % told), ()


def payment_facts(row: Disbursement) -> Facts:
    """Return a payment in short, with a link to its page."""
    facts = [
        (_("Payment"), link_to(row, f"#{row.pk}")),
        (_("Subject"), show_subject(row.subject)),
        (_("State"), gettext(row.get_state_display())),
        (_("Payout"), show_sats(row.payout_sats)),
        (_("Net"), show_sats(row.net_sats)),
        (_("Recipient"), row.payee_ref),
        (_("Rail"), show_text(row.rail)),
        (_("Destination"), long(row.destination_value)),
        (_("Requested"), moment(row.requested_at)),
    ]
    if row.destination_replaced_at:
        facts.append((_("Destination replaced"), moment(row.destination_replaced_at)))
    if row.failure_message or row.failure_code:
        facts.append((_("What holds it back"), show_text(row.failure_message or row.failure_code)))
    return Facts(_("The payment"), facts)
