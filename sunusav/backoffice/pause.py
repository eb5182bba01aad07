"""The banner on every page while outgoing money is paused.

Apps say what the pause holds in `HELD_BY_PAUSE` of their `backoffice.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from sunusav.backoffice.facts import moment, show_actor
from sunusav.backoffice.francs import francs_now
from sunusav.backoffice.inbox import Amount, NextStep, Waiting
from sunusav.backoffice.inbox_shown import show_age, show_amount, show_count
from sunusav.backoffice.sections import action_page, page_of
from sunusav.core.app_modules import collect
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.approvals import open_proposal
from sunusav.core.models import Proposal, Switch, User
from sunusav.core.switches import OUTGOING, outgoing, sends_that_may_leave


@dataclass(frozen=True)
class PauseBanner:
    """Who paused outgoing money, since when and why, what waits for that, and how it is lifted."""

    who: Any
    at: str
    age: str
    reason: str
    held: str
    amount: str
    francs: str
    may_leave: int
    lifting: str
    step: NextStep | None


def pause_banner(user: User, *, now: datetime) -> PauseBanner | None:
    """Return the banner for this person, or None while money may leave."""
    switch = outgoing()
    if switch.is_open:
        return None
    held = held_by_pause(now)
    amount, francs = show_amount(held.amount, francs_now(now) if held.amount else None)
    lifting, step = _lifting(user)
    return PauseBanner(
        who=show_actor(switch.changed_by), at=moment(switch.changed_at), age=show_age(switch.changed_at, now),
        reason=_reason(switch), held=show_count(held.count), amount=amount, francs=francs,
        may_leave=sends_that_may_leave(now), lifting=lifting, step=step,
    )  # fmt: skip


def held_by_pause(now: datetime) -> Waiting:
    """Return what would be sent now if outgoing money were not paused."""
    counts: Sequence[Callable[[datetime], Waiting | None]] = collect("backoffice", "HELD_BY_PAUSE")
    found = [held for count in counts if (held := count(now))]
    msat = sum(held.amount.msat or 0 for held in found if held.amount)
    return Waiting(sum(held.count for held in found), Amount(msat) if found else None)


def _reason(switch: Switch) -> str:
    return switch.reason or _("no reason given")


def _lifting(user: User) -> tuple[str, NextStep | None]:
    """Say how the pause is lifted, with the step that this person can take."""
    proposal = open_proposal(OUTGOING_RESUME, OUTGOING)
    if proposal is not None:
        return _decided_on(user, proposal)
    if user.has_perm("core.propose_resume_outgoing"):
        url = action_page("core.switch", "propose-resume", OUTGOING)
        return _("Two people resume it: one proposes, another approves."), NextStep(
            _("Propose to resume"), url
        )
    return _("Finance or an operator proposes to resume it; another person approves."), None


def _decided_on(user: User, proposal: Proposal) -> tuple[str, NextStep]:
    url = page_of("core.proposal", proposal.pk)
    if proposal.proposer_id == user.pk:
        return _("You have proposed to resume it. Another person decides."), NextStep(_("Open"), url)
    who = {"who": proposal.proposer.get_username()}
    decides = user.has_perm("core.approve_resume_outgoing")
    says = _("%(who)s has proposed to resume it; you may decide.") if decides else _(
        "%(who)s has proposed to resume it. Another person decides."
    )  # fmt: skip
    return says % who, NextStep(_("Decide") if decides else _("Open"), url)
