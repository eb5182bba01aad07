"""What an approver reads beside a minimum float: our money there now, and whether people would be alerted."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from partners.calculations import is_float_low
from partners.phrases import days_phrase
from partners.queries import partner_floats
from partners.services.floats import FLOAT_MINIMUM
from partners.types import FloatMinimumFacts, PartnerFloat
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import moment, show_code_or_text
from sunusav.backoffice.money import NOTHING, show_in, show_xof
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.models import Proposal

ALERT_FOLLOWS = _("People are alerted by the new minimum at %(partner)s. No payment depends on it.")
NEVER_ALERTED = _("With both at 0 nobody is alerted, however little is left.")
ALERTED_NOW = _("Our money there is below the new minimum already: the alert comes at once.")
YES, NO = _("Yes"), _("No")


@evidence_for(FLOAT_MINIMUM)
def minimum_evidence(proposal: Proposal) -> Evidence:
    """Show the minimum before and after, and what both say about our money there now."""
    facts = proposal.facts
    before = FloatMinimumFacts(facts["in_force_xof"], facts["in_force_days"])
    after = FloatMinimumFacts(facts["minimum_xof"], facts["minimum_days"])
    found = partner_floats(now=clock.now()).get(facts["partner_name"])
    low = [_is_low(found, minimum) for minimum in (before, after)]
    return Evidence(
        Box(IF_APPROVED, ALERT_FOLLOWS % {"partner": show_code_or_text(facts["partner_name"])}),
        [
            (_("Alert below, in francs"), show_xof(before.minimum_xof), show_xof(after.minimum_xof)),
            (_("Alert below, in days of cover"), days_phrase(before.minimum_days), days_phrase(after.minimum_days)),
            (_("Alerted as things are now"), *(YES if is_low else NO for is_low in low)),
        ],
        _effect(found),
        warnings=[text for text, applies in ((NEVER_ALERTED, _is_off(after)), (ALERTED_NOW, low[1])) if applies],
    )  # fmt: skip


def _is_low(found: PartnerFloat | None, minimum: FloatMinimumFacts) -> bool:
    amount = found.balance_amount if found else None
    return amount is not None and is_float_low(
        amount, cover_days=found.cover_days if found else None, minimum=minimum
    )


def _is_off(minimum: FloatMinimumFacts) -> bool:
    return minimum.minimum_xof == 0 and minimum.minimum_days == 0


def _effect(found: PartnerFloat | None) -> list[tuple[Any, Any]]:
    if found is None or found.rail.balance is None:
        return [(_("Our money there"), NOTHING)]
    return [
        (_("Our money there"), show_in(found.rail.currency, found.balance_amount)),
        (_("As of"), moment(found.rail.balance.at)),
        (_("Lasts"), NOTHING if found.cover_days is None else days_phrase(found.cover_days)),
    ]
