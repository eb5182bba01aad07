"""Rails and providers that a person should look at. As last read: no provider is asked."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import show_code, show_code_or_text
from sunusav.backoffice.inbox import (
    ALARM,
    ATTENTION,
    ROWS_SHOWN,
    Amount,
    InboxItem,
    NextStep,
    Notice,
    Row,
    Waiting,
)
from sunusav.backoffice.money import show_in
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import action_page, page_of
from sunusav.core.models import User
from sunusav.core.readings import health_of
from sunusav.core.roles import Role
from transfers import queries, treasury
from transfers.models import ProviderSwitch, RailBreaker, RailLiquidity, RailMatch, RailMismatch
from transfers.rails import rails_with_statement

TREASURY = "admin:transfers_railliquidity_changelist"


def _stopped_rails(user: User, now: datetime) -> Notice | None:
    rows = [_stopped(row) for row in queries.stopped_rails()]
    return _few(_("Rails stopped after failures"), rows, "admin:transfers_railbreaker_changelist", ALARM)


def _stopped(row: RailBreaker) -> Row:
    page = page_of("transfers.railbreaker", row.pk)
    return Row(
        show_code_or_text(row.rail), page, row.changed_at, until=row.retry_at, step=NextStep(_("Open"), page)
    )


def _switched_off(user: User, now: datetime) -> Notice | None:
    """Report providers that a person or the engine has switched off."""
    rows = [_switch(row) for row in queries.switched_off()]
    return _few(_("Providers switched off"), rows, "admin:transfers_providerswitch_changelist", ALARM)


def _switch(row: ProviderSwitch) -> Row:
    step = NextStep(
        _("Propose to switch on"), action_page("transfers.providerswitch", "propose-switch-on", row.pk),
        "transfers.propose_provider_switch_on",
    )  # fmt: skip
    why = show_code(row.code) if row.code else row.reason
    page = page_of("transfers.providerswitch", row.pk)
    return Row(show_code_or_text(row.provider), page, row.changed_at, why=why, step=step)


def _last_looks(user: User, now: datetime) -> list[Notice]:
    """Report what the last look at each rail found."""
    looks = treasury.liquidity_of(settings.RAILS)
    found = (_unavailable_rails(looks, now=now), _unusable_money(looks))
    return [notice for notice in found if notice is not None]


def _unavailable_rails(looks: Mapping[str, RailLiquidity | None], *, now: datetime) -> Notice | None:
    """Report rails in use that did not answer the last look, and those that nobody has looked at lately."""
    off = {row.provider for row in queries.switched_off()}
    rows = [
        _look(name, row)
        for name, row in looks.items()
        if name not in off
        and (treasury.is_look_stale(row, now=now) or (row is not None and not row.is_available))
    ]
    return _few(_("Rails that do not answer"), rows, TREASURY, ATTENTION)


def _look(name: str, row: RailLiquidity | None) -> Row:
    page = page_of("transfers.railliquidity", name)
    if row is None:
        return Row(show_code_or_text(name), page, why=_("never looked at"))
    why = show_reason(row.failure_code, row.failure_facts) or _("not looked at lately")
    return Row(
        show_code_or_text(name), page, row.known_at or row.seen_at, why=why, step=NextStep(_("Open"), page)
    )


def _unusable_money(looks: Mapping[str, RailLiquidity | None]) -> Notice | None:
    rows = [_money(row, row.unusable_amount) for row in looks.values() if row and row.unusable_amount]
    return _few(_("Money that cannot be sent now"), rows, TREASURY, ATTENTION)


def _money(row: RailLiquidity, amount: int) -> Row:
    page = page_of("transfers.railliquidity", row.pk)
    return Row(
        show_code_or_text(row.rail),
        page,
        amount=Amount.of(row.currency, amount),
        step=NextStep(_("Open"), page),
    )


def _waiting_exceeds_sendable(user: User, now: datetime) -> Notice | None:
    """Report the rails for which more waited than they could send when a worker last looked."""
    short = health_of("liquidity", now=now).get("short_for_waiting", [])
    rows = [_short(name) for name in short]
    return _few(_("Payments that wait exceed what can be sent"), rows, TREASURY, ATTENTION)


def _short(name: str) -> Row:
    page = page_of("transfers.railliquidity", name)
    propose = reverse("admin:transfers_treasurymovement_action", args=["propose"])
    step = NextStep(_("Book a movement"), propose, "transfers.propose_treasury_movement")
    return Row(show_code_or_text(name), page, step=step)


def _differences(user: User, now: datetime) -> Notice | None:
    looks = treasury.liquidity_of(settings.RAILS).values()
    rows = [_difference(row) for row in looks if row and treasury.is_different(row, now=now)]
    return _few(_("Providers hold another amount than the books"), rows, TREASURY, ALARM)


def _difference(row: RailLiquidity) -> Row:
    page = page_of("transfers.railliquidity", row.pk)
    why = show_in(row.currency, row.difference_amount or 0)
    return Row(show_code_or_text(row.rail), page, row.differs_since, why=why, step=NextStep(_("Open"), page))


def _mismatches(user: User, now: datetime) -> Notice | None:
    """Report payments on which providers and books differ, or else that the last match is old."""
    matches = queries.newest_matches(rails_with_statement())
    differing = [match for match in matches.values() if match and match.mismatches_found]
    if differing:
        return _differing(differing)
    late = {name: match for name, match in matches.items() if queries.is_match_late(match, now=now)}
    rows = [
        Row(show_code_or_text(name), since=match.ended_at if match else None) for name, match in late.items()
    ]
    return _few(
        _("Not matched with the provider for a day"), rows, "admin:transfers_railmatch_changelist", ATTENTION
    )


def _differing(matches: list[RailMatch]) -> Notice:
    url = f"{reverse('admin:transfers_railmismatch_changelist')}?match__id__exact={matches[0].pk}"
    if len(matches) > 1:
        url = reverse("admin:transfers_railmatch_changelist")
    first = RailMismatch.objects.filter(match__in=matches).select_related("match").order_by("pk")[:ROWS_SHOWN]
    waiting = Waiting(sum(match.mismatches_found for match in matches))
    rows = [_mismatch(row) for row in first]
    return Notice(_("Lines that providers and books do not agree on"), "", url, ALARM, waiting, rows)


def _mismatch(row: RailMismatch) -> Row:
    page = page_of("transfers.railmismatch", row.pk)
    title = f"{show_code_or_text(row.match.rail)} {row.reference[:12]}…"
    return Row(title, page, row.match.started_at, why=show_code(row.code), step=NextStep(_("Open"), page))


def _few(title: Any, rows: Iterable[Row], url_name: str, tone: str) -> Notice | None:
    """Return a notice about rails or providers, of which there are few."""
    found = list(rows)
    if not found:
        return None
    since = min((row.since for row in found if row.since), default=None)
    return Notice(title, "", reverse(url_name), tone, Waiting(len(found), since=since), found[:ROWS_SHOWN])


OPERATING = [Role.OPERATOR]
FINANCING = [Role.FINANCE]
INBOX = [
    InboxItem("transfers.view_railbreaker", _stopped_rails, OPERATING),
    InboxItem("transfers.view_providerswitch", _switched_off, [*OPERATING, *FINANCING]),
    InboxItem("transfers.view_railliquidity", _last_looks, OPERATING),
    InboxItem("transfers.view_railliquidity", _waiting_exceeds_sendable, [*FINANCING, *OPERATING]),
    InboxItem("transfers.view_railliquidity", _differences, [*FINANCING, Role.AUDITOR]),
    InboxItem("transfers.view_railmatch", _mismatches, [*FINANCING, Role.AUDITOR]),
]
