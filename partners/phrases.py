"""Names of this app's codes and facts, and phrases of its refusals."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from partners.packages import modules
from partners.settlements import phrases as settlements


def merged(name: str) -> dict[str, Any]:
    """Return what the partners' own phrases add to a table of this app."""
    return {key: text for module in modules("phrases") for key, text in getattr(module, name, {}).items()}


# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # Components of the health
    "health.partners": _("partners"),
    "health.partner_webhooks": _("webhooks of partners"),
    **merged("LABELS"),
    **settlements.LABELS,
    # What falls due
    "due_settlement_pending": _("settlements that wait for approval"),
    "due_settlement_approved": _("settlements to pay"),
    # What proves a webhook
    "signature": _("signature"),
    "shared_secret": _("shared secret"),
    "secret_path": _("secret path"),
    # What a webhook led to
    "no_reference": _("names no payment"),
    "unknown_reference": _("names none of our payments"),
    "collection_queried": _("request for payment queried"),
    "payment_queried": _("payment queried"),
    # Partners: their minimum
    "float_minimum": _("minimum float at a partner"),
    # Periodic tasks
    "follow_webhooks_of_partners": _("follow webhooks of partners"),
    "clean_up_webhooks_of_partners": _("clean up webhooks of partners"),
}
# What entries of the trail say happened
EVENTS: dict[str, Any] = {
    **settlements.EVENTS,
    "float_minimum.adopt": _("Minimum float in force: %(minimum_xof)s and %(minimum_days)s days"),
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    **merged("FACTS"),
    **settlements.FACTS,
    # Webhooks
    "event_key": _("event"),
    "authenticity": _("proof"),
    "follow_at": _("is followed at"),
    "handled_at": _("handled at"),
    "outcome": _("outcome"),
    "transaction_id": _("transaction id"),
    # The float at a partner
    "partner_name": _("partner"),
    "minimum": _("minimum float"),
    "minimum_days": _("minimum days of cover"),
    "in_force_days": _("days in force"),
}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    **merged("REFUSALS"),
    **settlements.REFUSALS,
    "amount-outside-partner-range": (
        _(
            "%(amount_xof)s is outside what %(partner)s moves at once (at least %(least_xof)s, at most %(most_xof)s)."
        ),
        _("Choose another amount, or another method."),
    ),
    "partner-not-in-use": (
        _("%(partner)s is not used here."),
        _("Name one of the partners that this installation uses."),
    ),
    "partner-balance-unknown": (
        _("%(partner)s has not reported its balance for more than a minute."),
        _("Try again shortly; have the operator look at the worker of the payouts and at the partner."),
    ),
    "float-minimum-out-of-range": (
        _("A minimum of %(minimum_xof)s and %(minimum_days)s days is not possible."),
        _("Give 0 to %(maximum_xof)s and 0 to %(maximum_days)s days."),
    ),
    "float-minimum-missing": (
        _("There is no minimum float with the number %(float_minimum_id)s."),
        _("Choose one of the list."),
    ),
    "webhook-not-authentic": (
        _("Nothing proves that this comes from %(partner)s."),
        _("Compare the secrets that are set here with those of the partner's portal."),
    ),
    "phone-unreadable": (
        _("The phone cannot be read by %(rail)s."),
        _("Write the number with its country, such as +221771234567."),
    ),
    "phone-not-of-partner": (
        _("%(rail)s does not serve the country of %(phone)s (%(country)s)."),
        _("Give a phone of one of these countries: %(served_countries)s."),
    ),
    "phone-not-mobile": (
        _("%(phone)s is not a mobile phone."),
        _("Give the number of a mobile phone."),
    ),
    "recipient-unknown": (
        _("%(phone)s cannot receive money by %(rail)s (%(reason)s)."),
        _("Check the number with the recipient, or set another destination."),
    ),
    "recipient-name-differs": (
        _("%(rail)s knows the owner of %(phone)s under another name."),
        _("Check number and name with the recipient, and correct the one that is wrong."),
    ),
}


def days_phrase(days: Decimal | int) -> str:
    """Return a number of days in words."""
    return ngettext("%(days)s day", "%(days)s days", int(days)) % {"days": days}


PROPOSALS: dict[str, Any] = {
    **settlements.PROPOSALS,
    "float_minimum": _("Set the minimum float at a partner"),
}
CODES = {"partner", "partner_name", *settlements.CODES}
EVENT_TONES = settlements.EVENT_TONES
TONES = settlements.TONES
