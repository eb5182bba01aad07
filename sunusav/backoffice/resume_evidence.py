"""What an approver reads beside a proposal to resume outgoing money: why and how long it is paused, and what leaves."""

from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sunusav.backoffice.backoffice import MAY_LEAVE
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import SYSTEM, moment, show_actor
from sunusav.backoffice.money import show_msat
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.models import Proposal
from sunusav.core.switches import held_by_pause, outgoing, sends_that_may_leave

LEAVES_AT_ONCE = _("Money leaves again. Payments that leave at once: %(count)s, %(total)s in all.")
SYSTEM_PAUSED = _("The system paused it by itself. Make sure that its cause is found and fixed.")


@evidence_for(OUTGOING_RESUME)
def resume_evidence(proposal: Proposal) -> Evidence:
    """Show the pause and what it keeps from leaving."""
    switch, now = outgoing(), clock.now()
    held = held_by_pause(now)
    leaving = sends_that_may_leave(now)
    effect: list[tuple[Any, Any]] = [
        (_("Payments that leave at once"), held.count),
        (_("In all"), show_msat(held.total_msat)),
        (_("Paused for"), timesince(switch.changed_at or now, now, depth=2)),
        (_("Paused at"), moment(switch.changed_at)),
        (_("Paused by"), show_actor(switch.changed_by)),
        (_("Why"), switch.reason),
    ]
    warnings: list[Any] = [SYSTEM_PAUSED] if switch.changed_by.startswith(SYSTEM) else []
    if leaving:
        warnings.append(MAY_LEAVE % {"count": leaving})
    return Evidence(
        Box(IF_APPROVED, LEAVES_AT_ONCE % {"count": held.count, "total": show_msat(held.total_msat)}),
        [(_("Outgoing money"), pgettext_lazy("state", "paused"), pgettext_lazy("state", "open"))],
        effect,
        warnings=warnings,
    )
