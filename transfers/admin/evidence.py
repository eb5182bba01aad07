"""What an approver reads beside a proposal about a payment or a limit: its consequence, and the payment's timeline."""

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.facts import moment, mono, show_code, show_code_or_text
from sunusav.backoffice.money import show_in, show_msat, show_sats
from sunusav.backoffice.refusals import show_reason, show_refusal
from sunusav.backoffice.sections import Box, Facts, Section, Table, link_to, show_subject
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal
from transfers.account_names import account_name, name_of_code
from transfers.admin.attempts import attempts_with_history, facts_of
from transfers.destination_queries import masked_destinations
from transfers.enums import PAYMENT_REVERSAL, ResolutionVerdict
from transfers.models import Disbursement
from transfers.queries import destinations_of
from transfers.return_queries import live_return_of
from transfers.services.limit_waivers import LIMIT_WAIVER
from transfers.services.limits import PAYMENT_LIMIT
from transfers.services.resolutions import MANUAL_RESOLUTION
from transfers.services.reversals import lines_of_reversal

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

REVERSAL_FOLLOWS = _(
    "%(returned)s count as received in “%(account)s”, and %(payout)s go back to the account that they were paid from,"
    " with the fee. The payment counts as reversed, for good. Make sure that the money is really there."
)
BOOKED_IF_APPROVED = _("What would be booked")


@evidence_for(MANUAL_RESOLUTION)
def resolution_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what a resolution books, and everything known about the payment."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    is_paid = proposal.facts["proposed_end"] == ResolutionVerdict.PAID
    says = PAID_FOLLOWS % {"amount": show_msat(row.net_msat)} if is_paid else NOT_PAID_FOLLOWS
    sections = [payment_facts(row), *(facts_of(attempt) for attempt in attempts_with_history(row))]
    return Box(title=IF_APPROVED, text=says, tone="attention" if is_paid else "alarm"), sections


@evidence_for(LIMIT_WAIVER)
def waiver_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what a waiver lets go, and why it waited."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    says = WAIVER_FOLLOWS % {"amount": show_msat(row.net_msat), "payee": row.payee_ref}
    return Box(title=IF_APPROVED, text=says), (payment_facts(row),)


@evidence_for(PAYMENT_REVERSAL)
def reversal_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what booking a payment back does to each account, the proof, and everything known about the payment."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    facts = proposal.facts
    says = REVERSAL_FOLLOWS % {
        "returned": show_in(facts["currency"], facts["amount"]), "account": name_of_code(facts["arrived_in"]),
        "payout": show_msat(row.payout_msat),
    }  # fmt: skip
    sections: list[Section] = [_bookings_if_approved(proposal), _proof(proposal), payment_facts(row)]
    sections += [facts_of(attempt) for attempt in attempts_with_history(row)]
    return Box(title=IF_APPROVED, text=says), sections


def _bookings_if_approved(proposal: Proposal) -> Table:
    try:
        lines = lines_of_reversal(proposal.subject_id)
    except DomainError as refusal:
        return Table(BOOKED_IF_APPROVED, (), (), show_refusal(refusal).text)
    rows = [
        (account_name(line.account), *(show_in(line.account.currency, one) for one in _sides(line.amount)))
        for line in lines
    ]
    return Table(BOOKED_IF_APPROVED, (_("account"), _("debit"), _("credit")), rows)


def _sides(amount: int) -> tuple[int | None, int | None]:
    return (amount, None) if amount > 0 else (None, -amount)


def _proof(proposal: Proposal) -> Facts:
    facts = proposal.facts
    shown: list[tuple[Any, Any]] = [
        (_("Proof of the return"), show_code(facts["return_kind"])),
        (_("Reference of the return"), mono(facts["return_reference"])),
        (_("Explanation"), proposal.reason),
    ]
    invoice = live_return_of(int(proposal.subject_id))
    if invoice is not None:
        settled = {"state": show_code(invoice.state), "at": moment(invoice.settled_at)}
        link = link_to(invoice, f"#{invoice.pk}")
        shown.append((_("Invoice of the return"), format_html("{} ({state}, {at})", link, **settled)))
        shown.append((_("Received by it"), show_in(invoice.currency, invoice.received)))
    return Facts(_("What proves that the money came back"), shown)


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
    known = destinations_of(row)
    for one, masked in zip(known, masked_destinations([one.destination for one in known]), strict=True):
        facts.append((_("Rail"), show_code_or_text(one.rail)))
        facts.append((_("Destination"), masked.masked_value))
        if one.replaced_at:
            facts.append((_("Destination replaced"), moment(one.replaced_at)))
    if row.failure_code:
        facts.append((_("Why it waits"), show_reason(row.failure_code, row.failure_facts)))
    return Facts(_("The payment"), facts)
