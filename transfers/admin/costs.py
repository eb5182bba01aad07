"""What sending a payment cost, as pages show it."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.money import show_in
from transfers.enums import TreasuryKind
from transfers.models import Attempt

NOT_STATED = _("not yet stated")
BOOK_IT = _("book it from the provider’s statement")


def show_cost(attempt: Attempt) -> str:
    """Return the cost of a paid attempt; of another one, nothing."""
    if attempt.cost is None and attempt.proof:
        return str(NOT_STATED)
    return show_in(attempt.order.currency, attempt.cost)


def cost_with_step(attempt: Attempt) -> Any:
    """Return the cost of an attempt; where it is not stated, with the page on which two people book it."""
    shown = show_cost(attempt)
    if shown != str(NOT_STATED):
        return shown
    given = urlencode({"account": attempt.order.paid_from, "kind": TreasuryKind.PROVIDER_CHARGE.value})
    page = reverse("admin:transfers_treasurymovement_action", args=["propose"])
    return format_html('{} (<a href="{}?{}">{}</a>)', shown, page, given, BOOK_IT)
