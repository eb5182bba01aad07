"""Switches. While `outgoing` is closed no money is sent: one person closes it at once, two people open it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.app_modules import collect
from sunusav.core.approvals import require_as_proposed
from sunusav.core.errors import Conflict
from sunusav.core.models import Proposal, Switch

OUTGOING = "outgoing"
SUBJECT = f"switch:{OUTGOING}"
REASON_LENGTH = 500
# How much of a reason is added to a pause; the earlier reasons are cut to make it fit.
ADDED_REASON_LENGTH = 240
BETWEEN_REASONS = " | "


class OutgoingPaused(Conflict):
    """Outgoing money is paused; nothing leaves until two people resume it."""

    reason: str
    paused_at: datetime | None


class OutgoingNotPaused(Conflict):
    """There is nothing to resume."""


def outgoing() -> Switch:
    """Return the outgoing switch; it is open until somebody closes it for the first time."""
    return Switch.objects.filter(name=OUTGOING).first() or Switch(name=OUTGOING, is_open=True)


def outgoing_closed() -> QuerySet[Switch]:
    """Return a queryset of the outgoing switch while it is closed, for conditions inside other statements."""
    return Switch.objects.filter(name=OUTGOING, is_open=False)


def require_outgoing_open() -> None:
    """Raise OutgoingPaused unless money may leave."""
    switch = outgoing()
    if not switch.is_open:
        raise OutgoingPaused(reason=switch.reason, paused_at=switch.changed_at)


def sends_that_may_leave(now: datetime) -> int:
    """Count the sends that saw the switch open and may still leave although it is closed now.

    Apps name what counts theirs in `SENDS_THAT_MAY_LEAVE` of their `switches.py`. Read it once the pause is committed:
    a send looks at the switch after its attempt was committed.
    """
    return sum(count(now) for count in collect("switches", "SENDS_THAT_MAY_LEAVE"))


@dataclass(frozen=True)
class HeldMoney:
    """Payments that only a pause keeps from leaving: they are due. Units: msat."""

    count: int
    total_msat: int


def held_by_pause(now: datetime) -> HeldMoney:
    """Return what leaves at once when outgoing money is resumed.

    Apps name what counts theirs in `HELD_BY_PAUSE` of their `switches.py`.
    """
    found: list[HeldMoney] = [read(now) for read in collect("switches", "HELD_BY_PAUSE")]
    return HeldMoney(sum(one.count for one in found), sum(one.total_msat for one in found))


def pause_outgoing(*, actor: Actor, reason: str, now: datetime) -> Switch:
    """Close the outgoing switch, or add a reason when it is closed already.

    A resume proposed before the new reason can no longer be approved. Repeating the last reason changes nothing.
    """
    with transaction.atomic():
        switch = _locked()
        is_same = switch.changed_by == actor.label and is_last_reason(switch.reason, reason)
        if switch.is_open or not is_same:
            stored_reason = with_reason_added("" if switch.is_open else switch.reason, reason)
            _set(switch, is_open=False, actor=actor, reason=reason, stored_reason=stored_reason, now=now)
    return switch


def is_last_reason(stored: str, reason: str) -> bool:
    """Return whether a stored reason ends with this one, or is it."""
    return stored == reason[:REASON_LENGTH] or stored.endswith(BETWEEN_REASONS + reason[:ADDED_REASON_LENGTH])


def with_reason_added(stored: str, reason: str) -> str:
    """Return a stored reason with another one after it, within the column; the earlier reasons are cut."""
    if not stored:
        return reason[:REASON_LENGTH]
    added = BETWEEN_REASONS + reason[:ADDED_REASON_LENGTH]
    return stored[: REASON_LENGTH - len(added)] + added


def resume_outgoing(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Open the outgoing switch again, once a second person has approved.

    Raises: ProposalFactsChanged when a reason was added after the approval had read the facts.
    """
    switch = _locked()
    if switch.is_open:
        return
    require_as_proposed(proposal, _facts(switch))
    stored_reason = proposal.reason[:REASON_LENGTH]
    _set(switch, is_open=True, actor=actor, reason=proposal.reason, stored_reason=stored_reason, now=now)


def describe_resume(subject_id: str) -> dict[str, Any]:
    """Return the facts a resume is approved on: the pause it lifts."""
    switch = outgoing()
    if switch.is_open:
        raise OutgoingNotPaused
    return _facts(switch)


def _facts(switch: Switch) -> dict[str, Any]:
    return {
        "switch": OUTGOING,
        "paused_at": switch.changed_at.isoformat() if switch.changed_at else "",
        "paused_by": switch.changed_by,
        "pause_reason": switch.reason,
    }


def _locked() -> Switch:
    Switch.objects.get_or_create(name=OUTGOING)
    return Switch.objects.select_for_update().get(name=OUTGOING)


def _set(
    switch: Switch, *, is_open: bool, actor: Actor, reason: str, stored_reason: str, now: datetime
) -> None:
    before = "open" if switch.is_open else "paused"
    after = "open" if is_open else "paused"
    switch.is_open, switch.reason, switch.changed_by, switch.changed_at = (
        is_open,
        stored_reason,
        actor.label,
        now,
    )
    switch.save(update_fields=["is_open", "reason", "changed_by", "changed_at"])
    trail.record(
        subject=SUBJECT, action="resume" if is_open else "pause", from_state=before, to_state=after,
        actor=actor, at=now, reason=reason,
    )  # fmt: skip
