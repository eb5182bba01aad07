"""What comes next for a draft of a fee schedule."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fees.enums import DraftState
from fees.models import FeeScheduleDraft
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.next_steps import NOTHING_TO_DO, NextStep


def draft_step(row: FeeScheduleDraft, now: datetime) -> NextStep:
    """Return what comes next for a draft."""
    if row.state != DraftState.DRAFT:
        return NextStep(show_choice(row.state), NOTHING_TO_DO)
    text = _("Waits until it is complete and somebody proposes to publish it.")
    return NextStep(show_choice(row.state), text, until=row.effective_at, actions=("propose",))


NEXT_STEPS = {"fees.feescheduledraft": draft_step}
