"""What comes next for a row: its state as people say it, what it waits for and until when, and who may act.

Apps list in `NEXT_STEPS` of their `backoffice.py` a function for each model that has a page: it gets the row and the
moment. What waits for another person's decision, and requests that were decided, are shown by this module itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Model
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice import decisions
from sunusav.backoffice.actions import Button
from sunusav.backoffice.facts import moment, show_code
from sunusav.backoffice.sections import link_to, page_of
from sunusav.core import phrasing
from sunusav.core.app_modules import collect_mapping
from sunusav.core.approvals import approvable
from sunusav.core.models import Proposal, ProposalState, User
from sunusav.core.roles import roles_with

NOTHING_TO_DO: Final = _("Nothing remains to be done.")
BY_ITSELF: Final = _("Nobody has to do anything.")
A_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class NextStep:
    """Where a row stands. `text` says what comes next, or what it waits for; `until`, up to when it waits.

    `actions` are the slugs of what may be done next on the row's page; `permissions` are of those who act elsewhere.
    To a person who may do none of it, the page names their roles. `proposal` is the one that waits for a decision.
    """

    state: Any
    text: Any
    until: datetime | None = None
    actions: Sequence[str] = ()
    permissions: Sequence[str] = ()
    link: Any = ""
    tone: str = "calm"
    proposal: Proposal | None = None


@dataclass(frozen=True)
class ShownStep:
    """A next step as one person's page shows it."""

    state: Any
    text: Any
    until: str = ""
    buttons: Sequence[Button] = field(default_factory=tuple)
    link: Any = ""
    who: str = ""
    tone: str = "calm"


def next_step_of(row: Model, *, now: datetime) -> NextStep | None:
    """Return what comes next for a row; None for models of which no app says it."""
    waiting = _open_proposals(row)
    if waiting:
        return waits_for_decision(waiting[0], now=now)
    read: Callable[[Any, datetime], NextStep | None] | None = collect_mapping("backoffice", "NEXT_STEPS").get(
        row._meta.label_lower
    )
    return read(row, now) if read else _as_decided(row)


def waits_for_decision(proposal: Proposal, *, now: datetime) -> NextStep:
    """Return that a proposal waits for another person, with who proposed it and how long ago."""
    given = proposal.approvals.filter(is_approved=True).count()
    missing = max(proposal.approvals_needed - given, 1)
    facts = {
        "what": phrasing.proposal_label(proposal.kind), "who": proposal.proposer.get_username(),
        "age": age(now - proposal.proposed_at, now), "count": missing,
    }  # fmt: skip
    text = ngettext(
        "Waits for the decision of another person: “%(what)s”, proposed by %(who)s %(age)s ago.",
        "Waits for the decisions of %(count)s other people: “%(what)s”, proposed by %(who)s %(age)s ago.",
        missing,
    )
    return NextStep(
        _("waits for a decision"), text % facts, permissions=[approvable(proposal.kind).approve_permission],
        actions=("approve",), link=_link(proposal), tone="attention", proposal=proposal,
    )  # fmt: skip


def shown(
    step: NextStep, *, user: User, buttons: Mapping[str, Button], permissions: Sequence[str]
) -> ShownStep:
    """Return a step as a person sees it: with the buttons they have, or with the roles that may act.

    `buttons` are those of the page by the slug of their action; `permissions`, those of the step's actions.
    """
    offered = [buttons[slug] for slug in step.actions if slug in buttons]
    if not offered and step.proposal is not None and decisions.may_decide(user, step.proposal):
        offered = [Button(gettext("Decide"), page_of("core.proposal", step.proposal.pk), "good")]
    needed = [*step.permissions, *permissions]
    who = "" if offered or not needed else roles_text(needed)
    return ShownStep(
        step.state, step.text, moment(step.until) if step.until else "", offered, step.link, who, step.tone
    )


def roles_text(permissions: Sequence[str]) -> str:
    """Return the roles that have one of these permissions, in words."""
    named = dict.fromkeys(role for permission in permissions for role in roles_with([permission]))
    return ", ".join(show_code(role) for role in named)


def age(passed: timedelta, now: datetime) -> str:
    """Return how long ago something was, with one unit."""
    return timesince(now - passed, now, depth=1) if passed >= A_MINUTE else gettext("less than a minute")


def _kinds_about(row: Model) -> list[str]:
    pages = collect_mapping("backoffice", "PROPOSAL_PAGES")
    return [kind for kind, page in pages.items() if page == row._meta.label_lower]


def _open_proposals(row: Model) -> list[Proposal]:
    kinds = _kinds_about(row)
    if not kinds:
        return []
    about = Proposal.objects.filter(kind__in=kinds, open_subject=str(row.pk)).select_related("proposer")
    return list(about.order_by("pk"))


def _as_decided(row: Model) -> NextStep | None:
    """Return the outcome of a request that is a row of its own: one proposal was made about it."""
    kinds = _kinds_about(row)
    if not kinds:
        return None
    made = Proposal.objects.filter(kind__in=kinds, subject_id=str(row.pk)).order_by("-pk").first()
    return decided(made) if made else None


def decided(made: Proposal) -> NextStep:
    """Return what became of a closed proposal."""
    tone = _TONES[ProposalState(made.state)]
    return NextStep(show_code(made.state), _outcome(made), link=_link(made), tone=tone)


def _link(proposal: Proposal) -> Any:
    return link_to(proposal, gettext("proposal %(number)s") % {"number": proposal.pk})


_TONES: Final = {
    ProposalState.OPEN: "attention",
    ProposalState.APPROVED: "good",
    ProposalState.REJECTED: "bad",
    ProposalState.WITHDRAWN: "calm",
}


def _outcome(made: Proposal) -> str:
    """Return who decided on a closed proposal, when, and why it was refused."""
    last = made.approvals.select_related("approver").order_by("pk").last()
    facts = {"at": moment(made.decided_at), "who": last.approver.get_username() if last else ""}
    if made.state == ProposalState.WITHDRAWN or last is None:
        return gettext("Withdrawn or void since %(at)s. It can be proposed again.") % facts
    if made.state == ProposalState.APPROVED:
        return gettext("Approved by %(who)s on %(at)s. Nothing remains to be done.") % facts
    return gettext("Refused by %(who)s on %(at)s: %(why)s") % {**facts, "why": last.reason}
