"""Show a person's name, phone and destinations in clear, once: with a reason, a fresh code, and a line in the trail."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payouts.admin.people import AboutPersonForm, is_not_erased
from payouts.services.reveals import reveal_person
from payouts.types import RevealedPerson
from sunusav.backoffice.actions import Action, Decision, Page
from sunusav.backoffice.facts import mono, show_code
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.sections import Facts, Section, Table

ABOUT_ONCE = _("This page is shown once. That you saw it, and why, is in the member's trail.")


def _reveal(decision: Decision) -> Page:
    found = reveal_person(
        user_id=decision.row.user_id, reason=decision.reason, actor=decision.actor, now=decision.now
    )
    return Page(gettext("%(user_id)s in clear") % {"user_id": found.user_id}, ABOUT_ONCE, _sections(found))


def _sections(found: RevealedPerson) -> tuple[Section, ...]:
    facts: tuple[tuple[Any, Any], ...] = (
        (_("Name"), ", ".join(found.names) or NOTHING),
        (_("Phone"), ", ".join(found.phones) or NOTHING),
    )
    destinations = Table(
        title=_("Destinations"),
        heads=(_("rail"), _("kind"), _("destination")),
        rows=[(show_code(one.rail), show_code(one.kind), mono(one.value)) for one in found.destinations],
        empty=_("No destination of this member is stored."),
    )
    return Facts(_("The person"), facts), destinations


REVEAL = Action(
    slug="reveal",
    label=_("Show name, phone and destinations"),
    question=_(
        "They are shown once, in clear. That you saw them, and why, is recorded in the member's trail for good."
    ),
    done=_("shown"),
    run=_reveal,
    permission="core.reveal_person",
    form=AboutPersonForm,
    is_offered=is_not_erased,
    is_about_one_row=True,
)
