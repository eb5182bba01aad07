"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from partners.orange import phrases as orange

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {**orange.LABELS}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    "served_countries": _("countries served"),
    **orange.FACTS,
}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
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
    "amount-outside-partner-range": (
        _(
            "%(amount_xof)s is outside what %(partner)s moves at once (at least %(least_xof)s, at most %(most_xof)s)."
        ),
        _("Choose another amount, or another method."),
    ),
    "recipient-name-differs": (
        _("%(rail)s knows the owner of %(phone)s under another name."),
        _("Check number and name with the recipient, and correct the one that is wrong."),
    ),
}
