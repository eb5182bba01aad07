"""The sections of the pages of partners: figures of the last look, and which variables are set in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from partners.models import InboundWebhook
from partners.phone_rail import PhoneRail
from partners.phrases import days_phrase
from partners.queries import newest_webhooks, partner_floats
from partners.types import PartnerFloat
from partners.webhooks.loading import webhooks_of
from partners.webhooks.refusals import refused_lately
from sunusav.backoffice.facts import instant, mono, show_code_or_text
from sunusav.backoffice.money import NOTHING, show_in, show_xof
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Facts, Section, Table, link_to, link_to_page
from sunusav.core.phrasing import labelled
from transfers.queries import is_switched_off
from transfers.queries import partner as directory_entry
from transfers.rails import rail

PARTNER_PAGE = "admin:partners_partner"
PAYMENT_LIMITS = "admin:transfers_paymentlimit_changelist"
WEBHOOKS_SHOWN = 20
YES, NO = _("Yes"), _("No")


def all_partners(*, now: datetime) -> Table:
    """Return one line per partner in use."""
    floats, newest = partner_floats(now=now), newest_webhooks()
    return Table(
        title=_("Partners in use"),
        heads=(_("partner"), _("countries"), _("balance"), _("days of cover"), _("state"), _("last webhook")),
        rows=[_line(name, floats.get(name), newest.get(name)) for name in settings.PARTNERS],
        empty=_("PARTNERS names none."),
    )


def one_partner(name: str, *, now: datetime) -> Sequence[Section]:
    """Return the sections of one partner."""
    found = partner_floats(now=now).get(name)
    return (
        _about(name),
        *(() if found is None else (_money(found),)),
        _delivered(name, now),
        _variables(name),
    )


def _line(name: str, found: PartnerFloat | None, webhook_at: datetime | None) -> Sequence[Any]:
    page = format_html('<a href="{}">{}</a>', reverse(PARTNER_PAGE, args=[name]), show_code_or_text(name))
    if found is None:
        return (page, _countries(name), NOTHING, NOTHING, _("does not pay"), instant(webhook_at))
    return (
        page,
        _countries(name),
        _balance(found),
        _cover(found),
        _state(found),
        instant(webhook_at),
    )


def _balance(found: PartnerFloat) -> str:
    return show_in(found.rail.currency, found.balance_amount)


def _cover(found: PartnerFloat) -> str:
    return NOTHING if found.cover_days is None else days_phrase(found.cover_days)


def _state(found: PartnerFloat) -> Any:
    if is_switched_off(found.rail.rail):
        return _("switched off")
    if found.rail.is_stopped:
        return _("stopped after failures")
    if not found.rail.is_available:
        return _("unavailable")
    return _("running low") if found.is_low else _("available")


def _about(name: str) -> Facts:
    return Facts(
        _("The partner"),
        (
            (_("Countries"), _countries(name)),
            (_("Our account"), _account(name) or NOTHING),
            (_("Payment limits"), format_html('<a href="{}">{}</a>', reverse(PAYMENT_LIMITS), _("Open"))),
            (_("Pays out"), YES if name in settings.RAILS else NO),
            (_("Collects"), YES if name in settings.COLLECTORS else NO),
        ),
    )


def _account(name: str) -> str:
    plugin: object = rail(name) if name in settings.RAILS else None
    return plugin.account_shown if isinstance(plugin, PhoneRail) else ""


def _money(found: PartnerFloat) -> Facts:
    rail = found.rail
    currency = rail.currency
    minimum = f"{show_xof(found.minimum.minimum_xof)}, {days_phrase(found.minimum.minimum_days)}"
    return Facts(
        _("Our money there"),
        (
            (_("State"), _state(found)),
            (_("Reason"), show_reason(rail.failure_code, dict(rail.failure_facts)) or NOTHING),
            (_("Balance at the partner"), _balance(found)),
            (_("Reported"), instant(rail.balance.at if rail.balance else None)),
            (_("In the books"), show_in(currency, rail.booked_amount)),
            (_("Can be sent"), show_in(currency, rail.sendable_amount)),
            (_("Paid out in the last seven days"), show_in(currency, rail.outflow_amount)),
            (_("Days of cover"), _cover(found)),
            (_("Minimum: francs, days"), minimum),
            (_("Waits for it"), labelled(rail.waiting_count, show_in(currency, rail.waiting_amount))),
            (_("In the treasury"), link_to_page("transfers.railliquidity", found.partner, _("Open"))),
        ),
    )


def _delivered(name: str, now: datetime) -> Table:
    rows = InboundWebhook.objects.filter(partner=name).order_by("-received_at")[:WEBHOOKS_SHOWN]
    return Table(
        title=_("Last webhooks; %(count)s were refused lately") % {"count": refused_lately(name, now=now)},
        heads=(_("when"), _("kind"), _("reference"), _("proof"), _("outcome")),
        rows=[
            (
                link_to(row, instant(row.received_at)), row.kind, mono(row.reference),
                show_code_or_text(row.authenticity), show_code_or_text(row.outcome),
            )
            for row in rows
        ],
        empty=_("It has delivered none in the last 30 days."),
    )  # fmt: skip


def _variables(name: str) -> Table:
    return Table(
        title=_("Variables of this partner in this process"),
        heads=(_("variable"), _("is set")),
        rows=[
            (mono(variable), YES if os.environ.get(variable) else NO) for variable in _known_variables(name)
        ],
        empty=NOTHING,
    )


def _known_variables(name: str) -> Iterator[str]:
    """Yield the names, never the values: those that prove webhooks, and whatever else of the partner is set."""
    prefix = f"{name.upper()}_"
    yield from sorted({*webhooks_of(name).variables, *(key for key in os.environ if key.startswith(prefix))})


def _countries(name: str) -> str:
    known = directory_entry(name)
    return ", ".join(known.countries) if known else NOTHING
