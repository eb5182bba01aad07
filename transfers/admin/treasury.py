"""The treasury: per rail what the books have, what can be sent, what cannot, and what waits for it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from ledger.queries import balances
from ledger.types import Money
from sunusav.backoffice.actions import Button
from sunusav.backoffice.admins import ReadOnlyAdmin, person_of
from sunusav.backoffice.facts import instant, mono, show_code_or_text
from sunusav.backoffice.forbidden import PermissionMissing
from sunusav.backoffice.money import NOTHING, show_in
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Box, Facts, Section, Table
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from transfers.admin.accounts import ABOUT_ACCOUNTS, about_forecast, accounts_table, forecast_sections
from transfers.admin.limits import HOW_RAILS_ARE
from transfers.admin.movements import PROPOSE_MOVEMENT, TreasuryMovementAdmin
from transfers.admin.switches import (
    CHECK_CREDENTIALS,
    IS_OFF,
    OFF,
    TWO_PEOPLE,
    ProviderSwitchAdmin,
    what_waits,
    why_off,
)
from transfers.balance_queries import account_comparisons, liquidity_forecast
from transfers.enums import PROVIDER_SWITCH_ON, BreakerState, TreasuryKind
from transfers.models import ProviderSwitch, RailLiquidity, TreasuryMovement
from transfers.queries import stopped_rails, switched_off
from transfers.rails import rail
from transfers.treasury import exceeds_sendable, is_different, is_look_stale, waiting_for_rails

NEVER_LOOKED = _("It was not looked at yet.")
STALE = _("It was last looked at %(at)s: the amounts may be out of date.")
UNAVAILABLE = _("The amounts are those of %(at)s. %(why)s")
UNAVAILABLE_FROM_THE_START = _("No amounts are known yet. %(why)s")
UNUSABLE = _("%(amount)s of what the provider holds cannot be sent now.")
TOO_LITTLE = _("The payments that wait exceed what can be sent.")
LOOK_AT_WORKER = _("Have the operator look whether the worker of the payouts and the scheduler run.")
LOOK_AT_PROVIDER = _("Have the operator look at the node or the partner.")
REPORTED = _("%(provider)s on %(at)s, when the books had %(booked)s")
HOLDS_MORE = _("Since %(since)s the provider holds %(amount)s more than the books have.")
HOLDS_LESS = _("Since %(since)s the provider holds %(amount)s less than the books have.")
PROPOSE_CAUSE = _(
    "Find the cause, and propose the movement: a channel opened or closed, a top-up, a charge. Money that has just"
    " arrived is booked within seconds."
)
REPAIR_OR_WAIT = _(
    "Have the operator look at what is listed below: a channel whose other side is not connected sends nothing."
)
ADD_MONEY = _(
    "Add money, or wait for incoming payments. What fits goes by itself, half a minute later at most."
)


@admin.register(RailLiquidity)
class RailLiquidityAdmin(ReadOnlyAdmin):
    list_display = (
        "rail_shown", "in_books", "difference_shown", "total_shown", "unusable_shown", "service", "waiting_shown",
        "looked_at",
    )  # fmt: skip
    fields = (
        "rail_shown", "in_books", "provider_shown", "difference_shown", "total_shown", "largest_shown",
        "unusable_shown", "service", "looked_at",
    )  # fmt: skip
    ordering = ("rail",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out rails that the settings no longer name."""
        return super().get_queryset(request).filter(pk__in=settings.RAILS)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("accounts/", wrap(self.accounts_view), name="transfers_railliquidity_accounts"),
            path("forecast/", wrap(self.forecast_view), name="transfers_railliquidity_forecast"),
            *super().get_urls(),
        ]

    def accounts_view(self, request: HttpRequest) -> HttpResponse:
        """Show the books beside providers and bank, account by account."""
        found = account_comparisons(now=clock.now())
        table = accounts_table(found, user=person_of(request))
        return self._show(request, _("Books and balances"), ABOUT_ACCOUNTS, [table])

    def forecast_view(self, request: HttpRequest) -> HttpResponse:
        """Show what falls due in the next days, against what can be sent."""
        now = clock.now()
        found = liquidity_forecast(now=now)
        about = about_forecast(found, now=now)
        return self._show(request, _("Liquidity forecast"), about, forecast_sections(found))

    def _show(
        self, request: HttpRequest, title: Any, about: Any, sections: Sequence[Section]
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionMissing(["transfers.view_railliquidity"])
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": title, "about": about,
            "sections": sections,
        }  # fmt: skip
        return TemplateResponse(request, "admin/backoffice/page.html", context)

    def prepare(self, rows: Sequence[Any]) -> None:
        accounts = {row.rail: rail(row.rail).account for row in rows}
        booked, waiting = balances(accounts.values()), waiting_for_rails()
        states = {one.rail: one.state for one in stopped_rails()}
        off = {one.provider: one for one in switched_off()}
        for row in rows:
            row.switch = off.get(row.rail) or ProviderSwitch(provider=row.rail)
            row.account, row.booked = accounts[row.rail], booked[accounts[row.rail]]
            row.waiting = waiting.get(row.rail)
            row.service_state = BreakerState(states.get(row.rail, BreakerState.CLOSED))

    @admin.display(description=_("rail"), ordering="rail")
    def rail_shown(self, row: RailLiquidity) -> str:
        return show_code_or_text(row.rail)

    @admin.display(description=_("in the books"))
    def in_books(self, row: Any) -> str:
        return show_in(row.account.currency, row.booked)

    @admin.display(description=_("can be sent"), ordering="total")
    def total_shown(self, row: Any) -> str:
        return show_in(row.account.currency, row.total)

    @admin.display(description=_("in one payment at most"), ordering="largest")
    def largest_shown(self, row: Any) -> str:
        return show_in(row.account.currency, row.largest)

    @admin.display(description=_("provider reported"))
    def provider_shown(self, row: RailLiquidity) -> str:
        """Show what the provider held, when, and what the books had then."""
        if row.balance_at is None:
            return NOTHING
        facts = {
            "provider": show_in(row.currency, row.provider_amount or 0),
            "at": instant(row.balance_at),
            "booked": show_in(row.currency, row.booked_amount or 0),
        }
        return str(REPORTED % facts)

    @admin.display(description=_("difference"))
    def difference_shown(self, row: RailLiquidity) -> str:
        return NOTHING if row.balance_at is None else show_in(row.currency, row.difference_amount or 0)

    @admin.display(description=_("cannot be used now"))
    def unusable_shown(self, row: Any) -> str:
        return show_in(row.account.currency, row.unusable_amount if row.known_at else None)

    @admin.display(description=_("state"))
    def service(self, row: Any) -> Any:
        return HOW_RAILS_ARE[row.service_state] if row.switch.is_on else OFF

    @admin.display(description=_("waits for it"))
    def waiting_shown(self, row: Any) -> Any:
        return NOTHING if row.waiting is None else what_waits(row.waiting)

    @admin.display(description=_("looked at"))
    def looked_at(self, row: RailLiquidity) -> Any:
        at = instant(row.seen_at)
        return _("%(at)s (out of date)") % {"at": at} if is_look_stale(row, now=clock.now()) else at

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        """Offer to switch the rail, and to propose the movement that would explain the difference.

        The kind of movement can be changed there.
        """
        kind = TreasuryKind.SURPLUS if (row.difference_amount or 0) >= 0 else TreasuryKind.SHORTFALL
        given = QueryDict(mutable=True)
        given.update({"account": row.account.code, **({"kind": kind.value} if row.difference_amount else {})})
        page = reverse("admin:transfers_treasurymovement_action", args=[PROPOSE_MOVEMENT.slug])
        switch = ProviderSwitchAdmin(ProviderSwitch, self.admin_site).buttons(request, row.switch)
        movements = [
            replace(button, url=f"{page}?{given.urlencode()}") for button in self.list_buttons(request)
        ]
        return [*switch, *movements]

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return TreasuryMovementAdmin(TreasuryMovement, self.admin_site).list_buttons(request)

    def name_of(self, row: Any) -> str:
        return show_code_or_text(row.rail)

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        problems = list(_problems(row))
        if not problems:
            return None
        texts = " ".join(str(text) for text, _step in problems)
        steps = dict.fromkeys(step for _text, step in problems)
        return Box(title=_("Look at this rail"), text=texts, steps=list(steps))

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (
            _waiting(row),
            _unusable(row),
            timeline_of([f"rail:{row.rail}", f"{PROVIDER_SWITCH_ON}:{row.rail}"]),
        )


def _problems(row: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what is wrong with each step that helps."""
    if not row.switch.is_on:
        yield IS_OFF % {"provider": show_code_or_text(row.rail), "why": why_off(row.switch)}, TWO_PEOPLE
        if row.switch.code:
            yield "", CHECK_CREDENTIALS
    if row.seen_at is None:
        yield NEVER_LOOKED, LOOK_AT_WORKER
        return
    if row.switch.is_on and is_look_stale(row, now=clock.now()):
        yield STALE % {"at": instant(row.seen_at)}, LOOK_AT_WORKER
    if not row.is_available:
        facts = {"at": instant(row.known_at), "why": show_reason(row.failure_code, row.failure_facts)}
        yield (UNAVAILABLE if row.known_at else UNAVAILABLE_FROM_THE_START) % facts, LOOK_AT_PROVIDER
    if row.unusable:
        yield UNUSABLE % {"amount": show_in(row.currency, row.unusable_amount)}, REPAIR_OR_WAIT
    if is_different(row, now=clock.now()):
        amount = show_in(row.currency, abs(row.difference_amount))
        says = HOLDS_MORE if row.difference_amount > 0 else HOLDS_LESS
        yield says % {"amount": amount, "since": instant(row.differs_since)}, PROPOSE_CAUSE
    if row.waiting is not None and exceeds_sendable(row.waiting, row, rail(row.rail)):
        yield TOO_LITTLE, ADD_MONEY


def _waiting(row: Any) -> Facts:
    waiting = row.waiting
    if waiting is None:
        return Facts(_("Waits for it"), ((_("payments"), 0),), anchor="waiting")
    facts = (
        (_("payments"), waiting.count),
        (_("in all"), _shown(waiting.total)),
        (_("the largest"), _shown(waiting.largest)),
    )
    return Facts(_("Waits for it"), facts, anchor="waiting")


def _unusable(row: RailLiquidity) -> Table:
    return Table(
        title=_("Cannot be used now"),
        heads=(_("reference"), _("amount")),
        rows=[(mono(one["reference"]), show_in(row.currency, one["amount"])) for one in row.unusable],
        empty=_("Everything can be used."),
        anchor="unusable",
    )


def _shown(money: Money) -> str:
    return show_in(money.currency, money.amount)
