"""What an approver reads beside a proposal about a payment or a limit: its consequence, and the payment's timeline."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from ledger.queries import francs_now
from ledger.types import Money
from sunusav.backoffice.columns import show_on_page
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence, TypedFigure, typed_amount
from sunusav.backoffice.facts import moment, mono, numbered, show_code, show_code_or_text
from sunusav.backoffice.money import NOTHING, show_in, show_msat, show_per_cent, show_sats, show_xof
from sunusav.backoffice.refusals import show_reason, show_refusal
from sunusav.backoffice.sections import Box, Facts, Table, link_to, show_subject
from sunusav.core import clock
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal
from sunusav.core.money import MSAT_PER_SAT, msat_from_sats
from sunusav.core.subjects import key_of
from transfers.account_names import account_name, name_of_code
from transfers.admin.attempts import attempts_with_history, facts_of
from transfers.calculations import is_raised_much, per_cent_of, used_of_limit
from transfers.destination_queries import masked_destinations
from transfers.enums import PAYMENT_REVERSAL, DisbursementState, LimitKind, ResolutionVerdict
from transfers.limit_queries import is_above_payout_limit, payments_of_today
from transfers.models import Disbursement
from transfers.queries import destinations_of, limits_in_force
from transfers.return_queries import live_return_of
from transfers.services.limit_waivers import LIMIT_WAIVER
from transfers.services.limits import PAYMENT_LIMIT
from transfers.services.resolutions import MANUAL_RESOLUTION
from transfers.services.reversals import lines_of_reversal

PAID_FOLLOWS = _(
    "The payment counts as paid, for good: %(amount)s are booked as received by the recipient, and nothing more is"
    " sent. The preimage was checked against the payment hash."
)
NOT_PAID_FOLLOWS = _(
    "The money held for it is given back and the payment can be sent again. If the recipient was paid after all, they"
    " are paid twice: make sure that their wallet received nothing."
)
LIMIT_FOLLOWS = _("For all payments from now on, the limit “%(limit)s” is %(after)s instead of %(before)s.")
WRITTEN_OFF_FOLLOWS = _("The payment is booked as a loss, for good: nothing in the books stands for it.")
RAISED_MUCH = _("“%(limit)s” is raised more than tenfold: from %(before)s to %(after)s.")
BELOW_TODAY = _("Today's payments come to %(used)s: such payments would wait from now on.")
WAIVER_FOLLOWS = _("%(amount)s leave at once for %(payee)s, past the limits that defer this payment.")

REVERSAL_FOLLOWS = _(
    "%(returned)s count as received in “%(account)s”, and %(payout)s go back to the account that they were paid from,"
    " with the fee. The payment counts as reversed, for good. Make sure that the money is really there."
)
BOOKED_IF_APPROVED = _("What would be booked")


@evidence_for(MANUAL_RESOLUTION)
def resolution_evidence(proposal: Proposal) -> Evidence:
    """Show what a resolution books, and everything known about the payment."""
    row, facts = Disbursement.objects.get(pk=int(proposal.subject_id)), proposal.facts
    says, after, tone = _resolved(row, facts["proposed_end"])
    amount = Money(facts["amount"], Currency(facts["currency"]))
    typed = typed_money(amount)
    return Evidence(
        Box(IF_APPROVED, says, tone=tone),
        [(_("State of the payment"), show_code(row.state), after)],
        [*amounts_of(amount), (_("Cost of sending"), show_in(amount.currency, facts["cost"]))],
        warnings=warned(typed),
        typed=typed,
        more=(payment_facts(row), *(facts_of(attempt) for attempt in attempts_with_history(row))),
    )


def _resolved(row: Disbursement, verdict: str) -> tuple[Any, str, str]:
    """Return what a verdict leads to, the state of the payment afterwards, and how grave it is."""
    match ResolutionVerdict(verdict):
        case ResolutionVerdict.PAID:
            says, after = (
                PAID_FOLLOWS % {"amount": show_msat(row.net_msat)},
                DisbursementState.COMPLETED.value,
            )
            return says, show_code(after), "attention"
        case ResolutionVerdict.WRITTEN_OFF:
            return WRITTEN_OFF_FOLLOWS, show_code(row.state), "alarm"
        case ResolutionVerdict.NOT_PAID:
            return NOT_PAID_FOLLOWS, show_code(DisbursementState.FAILED.value), "alarm"


@evidence_for(LIMIT_WAIVER)
def waiver_evidence(proposal: Proposal) -> Evidence:
    """Show what a waiver lets go, past which limit, and why it waited."""
    row = Disbursement.objects.get(pk=int(proposal.subject_id))
    amount = Money(row.payout_msat if row.net_msat is None else row.net_msat, Currency.MSAT)
    says = WAIVER_FOLLOWS % {"amount": show_msat(row.net_msat), "payee": key_of(row.payee_ref)}
    return Evidence(
        Box(IF_APPROVED, says),
        [(_("The payment"), show_reason(row.failure_code, row.failure_facts), _("leaves at once"))],
        [
            *amounts_of(amount),
            *(
                (show_code(kind), show_sats(one.amount_sats))
                for kind, one in sorted(limits_in_force().items())
            ),
        ],
        more=(payment_facts(row),),
    )


@evidence_for(PAYMENT_REVERSAL)
def reversal_evidence(proposal: Proposal) -> Evidence:
    """Show what booking a payment back does to each account, the proof, and everything known about the payment."""
    row, facts = Disbursement.objects.get(pk=int(proposal.subject_id)), proposal.facts
    amount = Money(facts["amount"], Currency(facts["currency"]))
    typed = typed_money(amount)
    says = REVERSAL_FOLLOWS % {
        "returned": show_in(amount.currency, amount.amount), "account": name_of_code(facts["arrived_in"]),
        "payout": show_msat(row.payout_msat),
    }  # fmt: skip
    return Evidence(
        Box(IF_APPROVED, says),
        [(_("State of the payment"), show_code(row.state), show_code(DisbursementState.REVERSED.value))],
        [*amounts_of(amount), (_("Fee that is given back"), show_msat(row.fee_msat))],
        figures=(_bookings_if_approved(proposal), _proof(proposal)),
        warnings=warned(typed),
        typed=typed,
        more=(payment_facts(row), *(facts_of(attempt) for attempt in attempts_with_history(row))),
    )


def amounts_of(amount: Money) -> list[tuple[Any, Any]]:
    """Return an amount with what it is worth in francs at the rate of now."""
    shown: list[tuple[Any, Any]] = [(_("Amount"), show_in(amount.currency, amount.amount))]
    if amount.currency is Currency.MSAT:
        worth = francs_now(amount.amount, now=clock.now())
        shown.append((_("In francs, at the rate of now"), show_xof(worth)))
    return shown


def typed_money(amount: Money) -> TypedFigure | None:
    """Return an amount to type again when it is more than one payment may send."""
    if not is_above_payout_limit(amount, now=clock.now()):
        return None
    in_unit = Decimal(amount.amount) / (MSAT_PER_SAT if amount.currency is Currency.MSAT else 1)
    return typed_amount(in_unit, shown=show_in(amount.currency, amount.amount))


def warned(typed: TypedFigure | None) -> list[Any]:
    return [typed.why] if typed else []


def _bookings_if_approved(proposal: Proposal) -> Table:
    try:
        lines = lines_of_reversal(proposal.subject_id)
    except DomainError as refusal:
        return Table(BOOKED_IF_APPROVED, (), (), show_refusal(refusal).text)
    rows = [
        (account_name(line.account), *(show_in(line.account.currency, one) for one in _sides(line.amount)))
        for line in lines
    ]
    return Table(BOOKED_IF_APPROVED, (_("account"), _("debit"), _("credit")), rows, stacks=True)


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
        link = link_to(invoice, numbered(invoice.pk))
        shown.append((_("Invoice of the return"), format_html("{} ({state}, {at})", link, **settled)))
        shown.append((_("Received by it"), show_in(invoice.currency, invoice.received)))
    return Facts(_("What proves that the money came back"), shown)


@evidence_for(PAYMENT_LIMIT)
def limit_evidence(proposal: Proposal) -> Evidence:
    """Show the limit before and after, and how today's payments stand to both."""
    facts = proposal.facts
    kind, before_sats, after_sats = facts["kind"], facts["in_force_sats"], facts["amount_sats"]
    relation = payments_of_today(clock.now())
    used_msat = used_of_limit(kind, relation)
    typed = unusual_limit(kind, after_sats, before_sats=before_sats)
    says = {"limit": show_code(kind), "before": show_sats(before_sats), "after": show_sats(after_sats)}
    shares = (_share(used_msat, limit_sats) for limit_sats in (before_sats, after_sats))
    return Evidence(
        Box(IF_APPROVED, LIMIT_FOLLOWS % says),
        [
            (show_code(kind), show_sats(before_sats), show_sats(after_sats)),
            (_("In francs, at the rate of now"), _francs(before_sats), _francs(after_sats)),
            (_("Of it used today"), *shares),
        ],
        [
            (_("Counted today by this limit"), show_msat(used_msat)),
            (_("Payments sent today"), relation.sent_today),
            (_("Payments that wait for a limit"), relation.waiting),
        ],
        warnings=list(_limit_warnings(kind, used_msat, after_sats, typed)),
        typed=typed,
    )


def unusual_limit(kind: str, amount_sats: int, *, before_sats: int) -> TypedFigure | None:
    """Return the limit to type again when it is raised more than tenfold."""
    if not is_raised_much(before_sats, amount_sats):
        return None
    shown = {"limit": show_code(kind), "before": show_sats(before_sats), "after": show_sats(amount_sats)}
    return TypedFigure(str(amount_sats), show_sats(amount_sats), RAISED_MUCH % shown)


def _limit_warnings(kind: str, used_msat: int, after_sats: int, typed: TypedFigure | None) -> Iterator[Any]:
    yield from warned(typed)
    if kind != LimitKind.REPLACED_DESTINATION and used_msat > msat_from_sats(after_sats):
        yield BELOW_TODAY % {"used": show_msat(used_msat)}


def _share(used_msat: int, limit_sats: int) -> str:
    share = per_cent_of(used_msat, msat_from_sats(limit_sats))
    return NOTHING if share is None else show_per_cent(share)


def _francs(amount_sats: int) -> str:
    return show_xof(francs_now(msat_from_sats(amount_sats), now=clock.now()))


def payment_facts(row: Disbursement) -> Facts:
    """Return a summary of a payment, with a link to its page."""
    facts = [
        (_("Payment"), link_to(row, numbered(row.pk))),
        (_("Subject"), show_subject(row.subject)),
        (_("State"), show_code(row.state)),
        (_("Payout"), show_msat(row.payout_msat)),
        (_("Net"), show_msat(row.net_msat)),
        (_("Recipient"), show_on_page(row, "payee_ref")),
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
