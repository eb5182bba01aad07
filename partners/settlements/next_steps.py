"""What comes next for settlements and the accounts that they are paid to."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from partners.enums import SettlementStatus
from partners.models import Settlement
from partners.settlements.queries import payments_of, settlement_facts
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.next_steps import NOTHING_TO_DO, NextStep
from sunusav.backoffice.sections import show_subject

PAY = ("execute", "record-bank-payment")
TEXTS = {
    SettlementStatus.PENDING: NextStep("", _("Waits for the decision of another person.")),
    SettlementStatus.REJECTED: NextStep(
        "", _("It was rejected. It is proposed again once the reason is settled."), actions=("propose-again",),
        tone="attention",
    ),
    SettlementStatus.APPROVED: NextStep(
        "", _("It may be paid: by the partner's rail, or by the bank."), actions=(*PAY, "propose-again"),
        tone="attention",
    ),
    SettlementStatus.PROCESSING: NextStep("", _("The payment is on its way.")),
    SettlementStatus.FAILED: NextStep(
        "", _("The payment failed. It is tried again, or the bank pays."), actions=PAY, tone="bad"
    ),
    SettlementStatus.COMPLETED: NextStep("", NOTHING_TO_DO, tone="good"),
}  # fmt: skip


def settlement_step(row: Settlement, now: datetime) -> NextStep:
    """Return what comes next for a settlement, with a link to its payment where there is one."""
    facts = settlement_facts([row])[0]
    found, payment = TEXTS[SettlementStatus(facts.status)], payments_of([row]).get(row.pk)
    link = show_subject(f"disbursement:{payment.id}") if payment else ""
    return NextStep(show_choice(facts.status), found.text, actions=found.actions, link=link, tone=found.tone)


NEXT_STEPS = {"partners.settlement": settlement_step}
