"""What an approver reads beside the reset of somebody's second factor: what is deleted, and which sessions end."""

from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import moment
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.sections import Box
from sunusav.core import clock, phrasing
from sunusav.core.models import Proposal, User
from sunusav.core.second_factor import recovery_codes_left
from sunusav.core.second_factor_resets import SECOND_FACTOR_RESET
from sunusav.core.staff_sessions import sessions_of

RESET_FOLLOWS = _(
    "The authenticator and the recovery codes of %(login)s stop working, and their sessions end. They set up another"
    " authenticator when they log in the next time."
)
SPEAK_TO_THEM = _(
    "Speak to the person yourself, by a number that you knew before: this is how accounts are stolen."
)
IS_SUPERUSER = _("This person may do everything: so may anybody who logs in as them.")


@evidence_for(SECOND_FACTOR_RESET)
def reset_evidence(proposal: Proposal) -> Evidence:
    """Show what a person has now and no longer has afterwards, and what their account may do."""
    facts, user = proposal.facts, User.objects.get(pk=int(proposal.subject_id))
    enrolled_at = parse_datetime(facts["enrolled_at"]) if facts["enrolled_at"] else None
    roles = ", ".join(phrasing.code_label(role) for role in facts["roles"])
    effect: list[tuple[Any, Any]] = [
        (_("Login"), facts["login"]),
        (_("Roles"), roles or NOTHING),
        (_("Sessions that end"), sessions_of(user, now=clock.now()).count()),
    ]
    return Evidence(
        Box(IF_APPROVED, RESET_FOLLOWS % {"login": facts["login"]}, steps=[SPEAK_TO_THEM], tone="alarm"),
        [
            (_("Authenticator set up"), moment(enrolled_at), NOTHING),
            (_("Recovery codes left"), recovery_codes_left(user), 0),
        ],
        effect,
        warnings=[IS_SUPERUSER] if facts["is_superuser"] else [],
    )
