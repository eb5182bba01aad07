"""What an approver reads beside a proposal about a payment or a limit: its consequence, and the payment's timeline."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.facts import long, moment, show_code, show_code_or_text
from sunusav.backoffice.money import show_msat, show_sats
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Box, Facts, Section, link_to, show_subject
from sunusav.core.models import Proposal
from transfers.admin.timeline import attempts_with_history, facts_of, timeline_of
from transfers.enums import ResolutionVerdict
from transfers.models import Disbursement
from transfers.queries import destinations_of
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
WAIVER_FOLLOWS = _("%(amount)s leave at once for %(payee)s, past the limits that defer this payment.")


@evidence_for(MANUAL_RESOLUTION)
def resolution_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what a resolution books, and everything known about the payment."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    is_paid = proposal.facts["proposed_end"] == ResolutionVerdict.PAID
    says = PAID_FOLLOWS % {"amount": show_msat(row.net_msat)} if is_paid else NOT_PAID_FOLLOWS
    attempts = list(attempts_with_history(row))
    sections: list[Section] = [payment_facts(row), timeline_of(row, attempts)]
    sections += [facts_of(attempt) for attempt in attempts]
    return Box(title=IF_APPROVED, text=says, tone="attention" if is_paid else "alarm"), sections


@evidence_for(LIMIT_WAIVER)
def waiver_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what a waiver lets go, and why it waited."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    says = WAIVER_FOLLOWS % {"amount": show_msat(row.net_msat), "payee": row.payee_ref}
    attempts = list(attempts_with_history(row))
    return Box(title=IF_APPROVED, text=says), (payment_facts(row), timeline_of(row, attempts))


@evidence_for(PAYMENT_LIMIT)
def limit_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show the limit before and after."""
    facts = {
        "limit": show_code(proposal.facts["kind"]),
        "before": show_sats(proposal.facts["in_force_sats"]),
        "after": show_sats(proposal.facts["amount_sats"]),
    }
    return Box(title=IF_APPROVED, text=LIMIT_FOLLOWS % facts), ()


def payment_facts(row: Disbursement) -> Facts:
    """Return a summary of a payment, with a link to its page."""
    facts = [
        (_("Payment"), link_to(row, f"#{row.pk}")),
        (_("Subject"), show_subject(row.subject)),
        (_("State"), show_code(row.state)),
        (_("Payout"), show_msat(row.payout_msat)),
        (_("Net"), show_msat(row.net_msat)),
        (_("Recipient"), row.payee_ref),
        (_("Requested"), moment(row.requested_at)),
    ]
    for one in destinations_of(row):
        facts.append((_("Rail"), show_code_or_text(one.rail)))
        facts.append((_("Destination"), long(one.value)))
        if one.replaced_at:
            facts.append((_("Destination replaced"), moment(one.replaced_at)))
    if row.failure_code:
        facts.append((_("Why it waits"), show_reason(row.failure_code, row.failure_facts)))
    return Facts(_("The payment"), facts)
