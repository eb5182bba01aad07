"""How people read rules about approvals, and how far a proposal is by them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, ngettext

from sunusav.backoffice.facts import moment, show_code
from sunusav.backoffice.money import show_in
from sunusav.core.approvals import approvable, progress_of, required_for
from sunusav.core.band_services import people_for
from sunusav.core.models import EVERY_KIND, Approval, Proposal, ProposalState
from sunusav.core.models.band import BandTerms
from sunusav.core.phrasing import enumerated, proposal_label
from sunusav.core.roles import roles_with
from sunusav.core.standing import Progress


def kind_phrase(kind: str) -> str:
    """Return what a kind of proposal is called."""
    return gettext("All proposals") if kind == EVERY_KIND else proposal_label(kind)


def rule_phrase(band: BandTerms) -> str:
    """Return a rule as a sentence: "Record a manual rate, from 5 000 000 F CFA: 2 approvals, role approver"."""
    about = kind_phrase(band.kind)
    if band.currency:
        amount = gettext("from %(amount)s") % {"amount": show_in(band.currency, band.from_amount)}
        about = f"{about}, {amount}"
    needed = approvals_phrase(band.approvals_needed)
    of_role = f", {roles_phrase([band.role])}" if band.role else ""
    return gettext("%(about)s: %(needed)s") % {"about": about, "needed": f"{needed}{of_role}"}


def approvals_phrase(count: int) -> str:
    return ngettext("%(count)s approval", "%(count)s approvals", count) % {"count": count}


def roles_phrase(roles: Iterable[str]) -> str:
    """Return the roles that each approver must have."""
    shown = [show_code(role) for role in sorted(roles)]
    return ngettext("role %(roles)s", "roles %(roles)s", len(shown)) % {"roles": ", ".join(shown)}


def people_phrase(kind: str, roles: Collection[str]) -> str:
    """Return how many people in these roles could approve: the M of "N of M"."""
    people = people_for(kind, roles)
    return ngettext("%(count)s person", "%(count)s people", people) % {"count": people}


def progress_phrase(proposal: Proposal, *, now: datetime) -> str:
    """Return how many approvals are given and needed, by whom and when, and who is waited for."""
    if proposal.state != ProposalState.OPEN:
        given = proposal.approvals.filter(is_approved=True, digest=proposal.digest).count()
        return _given_phrase(given, required_for(proposal, now=proposal.decided_at or now).approvals_needed)
    count = progress_of(proposal, now=now)
    lines = [_given_phrase(count.given, count.needed)]
    lines += [_by_phrase(row) for row in count.counting]
    lines += [_left_phrase(row) for row in count.not_counting]
    if not count.is_complete:
        lines.append(_missing_phrase(proposal, count))
    return enumerated(lines)


def _given_phrase(given: int, needed: int) -> str:
    return ngettext(
        "%(given)s of %(needed)s approval given", "%(given)s of %(needed)s approvals given", needed
    ) % {"given": given, "needed": needed}


def _by_phrase(approval: Approval) -> str:
    return gettext("by %(who)s on %(at)s") % _who(approval)


def _left_phrase(approval: Approval) -> str:
    return gettext("that of %(who)s on %(at)s no longer counts: this person no longer has the right") % _who(
        approval
    )


def _who(approval: Approval) -> dict[str, Any]:
    return {"who": approval.approver.get_username(), "at": moment(approval.decided_at)}


def _missing_phrase(proposal: Proposal, count: Progress) -> str:
    roles = sorted(count.requirement.roles) or roles_with([approvable(proposal.kind).approve_permission])
    missing = count.needed - count.given
    text = ngettext(
        "waiting for %(missing)s more person (%(roles)s)", "waiting for %(missing)s more people (%(roles)s)", missing
    )  # fmt: skip
    return text % {"missing": missing, "roles": roles_phrase(roles)}
