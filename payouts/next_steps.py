"""What comes next for cycles, refunds, groups and members."""

from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from fees.queries import verified_groups
from payouts.calculations import cycle_subject, refund_subject
from payouts.enums import CycleStatus
from payouts.models import Cycle, Group, Member, Refund
from payouts.queries.cycles import cycle_facts
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.money import show_msat
from sunusav.backoffice.next_steps import NOTHING_TO_DO, NextStep
from sunusav.backoffice.sections import link_to_page
from sunusav.core.money import MSAT_PER_SAT
from transfers.credit_queries import credit_msat
from transfers.enums import DisbursementState
from transfers.next_steps import payment_step_of
from transfers.queries import disbursement_for
from transfers.types import DisbursementFacts

OF_PAYOUTS = ("retry-payout", "cancel-payout")


def cycle_step(row: Cycle, now: datetime) -> NextStep:
    """Return what comes next for a cycle."""
    (facts,) = cycle_facts([row])
    state = show_choice(facts.status)
    match facts.status:
        case CycleStatus.COLLECTING:
            return _collecting(state, row.members_count - facts.contributions_settled)
        case CycleStatus.READY:
            return _ready(state, row)
        case CycleStatus.PAYING | CycleStatus.FAILED:
            return _of_payout(row, now)
        case CycleStatus.PAID:
            return NextStep(state, NOTHING_TO_DO, tone="good")
        case _:
            return NextStep(state, NOTHING_TO_DO)


def _collecting(state: str, missing: int) -> NextStep:
    text = ngettext(
        "Waits for %(count)s more contribution.", "Waits for %(count)s more contributions.", missing
    )
    return NextStep(state, text % {"count": missing})


def _ready(state: str, row: Cycle) -> NextStep:
    if not row.destination_rail:
        return NextStep(state, _("Waits for the winner's destination, which the platform sets."))
    return NextStep(state, _("Waits for the platform to order the payout."))


def _of_payout(row: Cycle, now: datetime) -> NextStep:
    payout = disbursement_for(cycle_subject(row.pk))
    assert payout is not None, "its status is read from its payout"  # noqa: S101  (a programmer's mistake)
    if payout.state == DisbursementState.REVERSED:
        text = _("The payout's money came back. Two people can reopen the cycle, and then it is paid again.")
        return NextStep(
            show_choice(payout.state), text, actions=("reopen",), link=_link(payout), tone="attention"
        )
    return replace(payment_step_of(payout.id, now=now), actions=OF_PAYOUTS, link=_link(payout))


def _link(payout: DisbursementFacts) -> str:
    number = gettext("payment %(number)s") % {"number": payout.id}
    return str(link_to_page("transfers.disbursement", payout.id, number))


def refund_step(row: Refund, now: datetime) -> NextStep | None:
    """Return what comes next for a refund: what comes next for its payment."""
    payment = disbursement_for(refund_subject(row.pk))
    if payment is None:
        return None
    return replace(payment_step_of(payment.id, now=now), actions=("cancel-refund",), link=_link(payment))


def group_step(row: Group, now: datetime) -> NextStep:
    """Return what comes next for a group."""
    if row.pk in verified_groups([row.pk], now):
        return NextStep(_("verified"), NOTHING_TO_DO, tone="good")
    text = _("Its winners pay the full fee until two people have verified it.")
    return NextStep(_("not verified"), text, actions=("propose-verification",))


def member_step(row: Member, now: datetime) -> NextStep:
    """Return what comes next for a member: what is done with credit that they have."""
    state = _("member") if row.left_at is None else _("left")
    credit = credit_msat(row.user_id)
    if credit < MSAT_PER_SAT:
        return NextStep(state, NOTHING_TO_DO)
    text = gettext("Has credit of %(credit)s: for the next contribution, or to be paid out by two people.")
    return NextStep(state, text % {"credit": show_msat(credit)}, actions=("propose-refund",))


NEXT_STEPS = {
    "payouts.cycle": cycle_step,
    "payouts.refund": refund_step,
    "payouts.group": group_step,
    "payouts.member": member_step,
}
