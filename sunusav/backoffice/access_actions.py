"""What others do about a person's access: propose to reset a lost second factor, end their sessions."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.facts import moment
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.sections import Table
from sunusav.backoffice.user_agents import browser_name
from sunusav.core.models import User
from sunusav.core.second_factor import has_authenticator
from sunusav.core.second_factor_resets import SECOND_FACTOR_RESET, propose_reset
from sunusav.core.staff_sessions import END_SESSIONS as MAY_END_SESSIONS
from sunusav.core.staff_sessions import end_session, end_sessions, sessions_of


def _propose_reset(decision: Decision) -> None:
    propose_reset(user_pk=decision.row.pk, reason=decision.reason, proposer=decision.user, now=decision.now)


def _end_sessions(decision: Decision) -> None:
    end_sessions(decision.row, by=decision.user, now=decision.now)


def _end_session(decision: Decision) -> None:
    end_session(session_id=decision.row.pk, by=decision.user, now=decision.now)


def _is_another_person(user: User, row: Any) -> bool:
    return user.pk != row.pk and has_authenticator(row)


PROPOSE_RESET = Action(
    slug="propose-second-factor-reset",
    label=_("Propose to reset the second factor"),
    question=_(
        "For a person who lost their authenticator: make sure that it is them who asks. Once another person has "
        "approved, their device and recovery codes are deleted and their sessions end; they set up a new authenticator "
        "at the next login."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_reset,
    permission="core.propose_second_factor_reset",
    form=ReasonAndCodeForm,
    is_offered=_is_another_person,
    proposes=SECOND_FACTOR_RESET,
    is_about_one_row=True,
    tone="bad",
)
END_SESSIONS = Action(
    slug="end-sessions",
    label=_("End all sessions"),
    question=_("The person is logged out everywhere and has to log in again."),
    done=_("the sessions have ended"),
    run=_end_sessions,
    permission=MAY_END_SESSIONS,
    tone="bad",
)
END_SESSION = Action(
    slug="end",
    label=_("End the session"),
    question=_("The browser that has this session is logged out."),
    done=_("the session has ended"),
    run=_end_session,
    permission=MAY_END_SESSIONS,
    tone="bad",
)


def sessions_table(user: User, *, now: datetime) -> Table:
    """Return the sessions of a person that have not ended."""
    return Table(
        title=_("Sessions"),
        heads=(_("logged in at"), _("last used at"), _("IP address"), _("browser")),
        rows=[
            (
                moment(row.started_at), moment(row.seen_at), row.address or NOTHING,
                browser_name(row.user_agent),
            )
            for row in sessions_of(user, now=now)
        ],
        empty=_("Not logged in."),
        anchor="sessions",
    )  # fmt: skip
