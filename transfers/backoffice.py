"""Items of this app in the inbox of the back office."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from sunusav.backoffice.facts import day, show_code, show_code_or_text
from sunusav.backoffice.inbox import ALARM, ATTENTION, CALM, InboxItem, Notice
from sunusav.backoffice.money import show_in
from sunusav.backoffice.navigation import Area, ListEntry
from sunusav.backoffice.search import Search, number, reference, rows_found
from sunusav.backoffice.sections import link_to_page, page_of
from sunusav.core import subjects
from sunusav.core.models import User
from transfers import attempt_queries, collection_queries, queries, treasury
from transfers.account_names import name_of_code
from transfers.enums import LIMIT_DEFERRALS, DisbursementState
from transfers.models import Collection, Disbursement, IssuedReceipt, Receipt, TreasuryMovement
from transfers.rails import rail, rails_with_statement
from transfers.return_queries import unclaimed_returns


def _reviews(user: User, now: datetime) -> Notice:
    queue = queries.review_queue()
    state = DisbursementState.NEEDS_REVIEW.value
    # `o=1` orders by the first column, the number: the oldest first.
    url = f"{reverse('admin:transfers_disbursement_changelist')}?state__exact={state}&o=1"
    if not queue:
        return Notice(_("Payments to review"), 0, url, CALM)
    facts = {"count": len(queue), "age": timesince(queue[0].since, now, depth=1)}
    value = _("%(count)s, the oldest for %(age)s") % facts
    return Notice(_("Payments to review"), value, url, ATTENTION)


def _collections_with_problems(user: User, now: datetime) -> Notice:
    count = sum(collection_queries.collections_with_problems().values())
    url = f"{reverse('admin:transfers_collection_changelist')}?trouble__gt="
    return Notice(_("Payment requests to review"), count, url, ATTENTION if count else CALM)


def _deferred(user: User, now: datetime) -> Notice | None:
    count = sum(queries.deferred_by(LIMIT_DEFERRALS).values())
    state = DisbursementState.PROCESSING.value
    url = f"{reverse('admin:transfers_disbursement_changelist')}?state__exact={state}"
    return (
        Notice(_("Payments waiting for a limit or after a change of destination"), count, url)
        if count
        else None
    )


def _stopped_rails(user: User, now: datetime) -> Notice | None:
    stopped = queries.stopped_rails()
    url = reverse("admin:transfers_railbreaker_changelist")
    names = ", ".join(show_code_or_text(row.rail) for row in stopped)
    return Notice(_("Rails stopped after failures"), names, url, ALARM) if stopped else None


def _switched_off(user: User, now: datetime) -> Notice | None:
    """Report providers that are switched off, and of which the engine found that they refuse our credentials."""
    rows = queries.switched_off()
    url = reverse("admin:transfers_providerswitch_changelist")
    shown = [
        f"{show_code_or_text(row.provider)} ({show_code(row.code)})"
        if row.code
        else show_code_or_text(row.provider)
        for row in rows
    ]
    return Notice(_("Providers switched off"), ", ".join(shown), url, ALARM) if rows else None


def _broke_workers(user: User, now: datetime) -> Notice | None:
    count = queries.broke_workers()
    url = f"{reverse('admin:transfers_disbursement_changelist')}?broke_worker=yes"
    return Notice(_("Payments that broke their worker"), count, url, ATTENTION) if count else None


def _paid_outside(user: User, now: datetime) -> Notice | None:
    count, since = attempt_queries.paid_outside_since()
    if since is None:
        return None
    url = f"{reverse('admin:transfers_disbursement_changelist')}?paid_outside=yes"
    facts = {"count": count, "age": timesince(since, now, depth=1)}
    return Notice(
        _("Payments that are not in the books"), _("%(count)s, the oldest for %(age)s") % facts, url, ALARM
    )


def _mismatches(user: User, now: datetime) -> Notice | None:
    """Report payments on which providers and books differ, or else that the last match is old."""
    matches = queries.newest_matches(rails_with_statement()).values()
    title = _("Payments matched with providers")
    differing = [match for match in matches if match and match.mismatches_found]
    if differing:
        url = f"{reverse('admin:transfers_railmismatch_changelist')}?match__id__exact={differing[0].pk}"
        if len(differing) > 1:
            url = reverse("admin:transfers_railmatch_changelist")
        count = sum(match.mismatches_found for match in differing)
        differ = ngettext("%(count)s differs", "%(count)s differ", count) % {"count": count}
        return Notice(title, differ, url, ALARM)
    if any(queries.is_match_late(match, now=now) for match in matches):
        url = reverse("admin:transfers_railmatch_changelist")
        return Notice(title, _("not for more than a day"), url, ATTENTION)
    return None


def _unusable_money(user: User, now: datetime) -> Notice | None:
    looks = treasury.liquidity_of(settings.RAILS)
    unusable = [
        show_in(row.currency, row.unusable_amount) for row in looks.values() if row and row.unusable_amount
    ]
    url = reverse("admin:transfers_railliquidity_changelist")
    title = _("Money that cannot be sent now")
    return Notice(title, ", ".join(unusable), url, ATTENTION) if unusable else None


def _waiting_exceeds_sendable(user: User, now: datetime) -> Notice | None:
    waiting = treasury.waiting_for_rails()
    looks = treasury.liquidity_of(name for name in waiting if name in settings.RAILS)
    short = [
        name
        for name, row in looks.items()
        if row and treasury.exceeds_sendable(waiting[name], row, rail(name))
    ]
    url = reverse("admin:transfers_railliquidity_changelist")
    names = ", ".join(show_code_or_text(name) for name in short)
    return Notice(_("Payments that wait exceed what can be sent"), names, url, ATTENTION) if short else None


def _differences(user: User, now: datetime) -> Notice | None:
    looks = treasury.liquidity_of(settings.RAILS)
    differing = [row for row in looks.values() if row and treasury.is_different(row, now=now)]
    url = reverse("admin:transfers_railliquidity_changelist")
    value = ", ".join(
        f"{show_code_or_text(row.rail)} {show_in(row.currency, row.difference_amount or 0)}"
        for row in differing
    )
    return Notice(_("Providers hold another amount than the books"), value, url, ALARM) if differing else None


def _returned(user: User, now: datetime) -> Notice | None:
    """Report money that recipients have paid back and for which nobody has proposed the reversal."""
    rows = unclaimed_returns()
    if not rows:
        return None
    url = page_of("transfers.disbursement", subjects.key_of(rows[0].subject))
    facts = {"count": len(rows), "age": timesince(rows[0].settled_at or now, now, depth=1)}
    value = _("%(count)s, the oldest for %(age)s") % facts
    return Notice(_("Money that came back and is not booked back"), value, url, ATTENTION)


def _claim(claim_id: int) -> Any:
    return link_to_page("transfers.returnclaim", claim_id, f"#{claim_id}")


# What can be found: each by one unique value, in one query.


def _payment(pk: str) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(pk=pk)


def _payment_of_order(reference: str) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(orders__reference=reference)


def _request(pk: str) -> QuerySet[Collection]:
    return Collection.objects.filter(pk=pk)


def _request_at_provider(reference: str) -> QuerySet[Collection]:
    return Collection.objects.filter(reference=reference)


def _received(reference: str) -> QuerySet[Receipt]:
    return Receipt.objects.filter(reference=reference)


def _movements(reference: str) -> QuerySet[TreasuryMovement]:
    return TreasuryMovement.objects.filter(reference=reference)


def _issued(number: str) -> QuerySet[IssuedReceipt]:
    return IssuedReceipt.objects.filter(number__in=[number, number.upper()])


SEARCHES = [
    Search(
        "payments", _("Payments"), "transfers.view_disbursement", number, rows_found(_payment, state="state"),
        is_unambiguous=False,
    ),
    Search(
        "payments-by-reference", _("Payments by payment hash or reference"), "transfers.view_disbursement",
        reference, rows_found(_payment_of_order, state="state"),
    ),
    Search(
        "requests", _("Payment requests"), "transfers.view_collection", number, rows_found(_request, state="state"),
        is_unambiguous=False,
    ),
    Search(
        "requests-by-reference", _("Payment requests by payment hash or reference"), "transfers.view_collection",
        reference, rows_found(_request_at_provider, state="state"),
    ),
    Search(
        "received", _("Money received, by payment hash or reference"), "transfers.view_receipt", reference,
        rows_found(_received, state="use"),
    ),
    Search(
        "movements", _("Movements of the treasury, by reference"), "transfers.view_treasurymovement", reference,
        rows_found(_movements, state="state_shown"),
    ),
    Search("receipts", _("Receipts"), "transfers.view_issuedreceipt", reference, rows_found(_issued)),
]  # fmt: skip
INBOX = [
    InboxItem("transfers.view_disbursement", _reviews),
    InboxItem("transfers.view_disbursement", _deferred),
    InboxItem("transfers.view_disbursement", _broke_workers),
    InboxItem("transfers.view_disbursement", _paid_outside),
    InboxItem("transfers.propose_reversal", _returned),
    InboxItem("transfers.view_railbreaker", _stopped_rails),
    InboxItem("transfers.view_providerswitch", _switched_off),
    InboxItem("transfers.view_railliquidity", _unusable_money),
    InboxItem("transfers.view_railliquidity", _waiting_exceeds_sendable),
    InboxItem("transfers.view_railliquidity", _differences),
    InboxItem("transfers.view_railmatch", _mismatches),
    InboxItem("transfers.view_collection", _collections_with_problems),
]
PROPOSAL_PAGES = {
    "manual_resolution": "transfers.disbursement",
    "payment_reversal": "transfers.disbursement",
    "payment_limit": "transfers.paymentlimitrequest",
    "payment_exception": "transfers.disbursement",
    "treasury_movement": "transfers.treasurymovement",
    "credit_transfer": "transfers.credittransferrequest",
    "provider_switch_on": "transfers.providerswitch",
    "receipt_issuer": "transfers.issuer",
    "receipt_tax_rate": "transfers.taxrate",
}
FACT_FORMATS = {
    "treasury_account": name_of_code,
    "other_account": name_of_code,
    "arrived_in": name_of_code,
    "account_code": name_of_code,
    "claim": _claim,
    "happened_on": day,
    "today": day,
    "returned_on": day,
    "paid_on": day,
}
NAVIGATION = [
    ListEntry(Area.PAYMENTS, "transfers.disbursement", "payments", rank=40),
    ListEntry(Area.PAYMENTS, "transfers.reversal", "assignment_return", rank=70),
    ListEntry(Area.PAYMENTS, "transfers.returnclaim", "keyboard_return", rank=75),
    ListEntry(Area.PAYMENTS, "transfers.withdrawallink", "qr_code_2", rank=90),
    ListEntry(Area.CONTRIBUTIONS, "transfers.collection", "request_quote", rank=20),
    ListEntry(Area.CONTRIBUTIONS, "transfers.receipt", "move_to_inbox", rank=30),
    ListEntry(Area.CONTRIBUTIONS, "transfers.credituse", "redeem", rank=60),
    ListEntry(Area.CONTRIBUTIONS, "transfers.credittransferrequest", "swap_horiz", rank=65),
    ListEntry(Area.LIMITS, "transfers.paymentlimit", "speed", rank=10),
    ListEntry(Area.LIMITS, "transfers.paymentlimitrequest", "edit_note", rank=20),
    ListEntry(Area.LIMITS, "transfers.limitusage", "data_usage", rank=30),
    ListEntry(Area.LIMITS, "transfers.pastadmission", "history", rank=40),
    ListEntry(Area.BOOKS, "transfers.treasurymovement", "account_balance", rank=60),
    ListEntry(Area.BOOKS, "transfers.issuedreceipt", "receipt_long", rank=70),
    ListEntry(Area.BOOKS, "transfers.receiptlink", "link", rank=72),
    ListEntry(Area.BOOKS, "transfers.issuer", "badge", rank=80),
    ListEntry(Area.BOOKS, "transfers.adoptedissuer", "check", rank=82),
    ListEntry(Area.BOOKS, "transfers.taxrate", "percent", rank=84),
    ListEntry(Area.BOOKS, "transfers.adoptedtaxrate", "check", rank=86),
    ListEntry(Area.PARTNERS, "transfers.partner", "storefront", rank=20),
    ListEntry(Area.PARTNERS, "transfers.railliquidity", "account_balance_wallet", rank=30),
    ListEntry(Area.PARTNERS, "transfers.providerswitch", "toggle_on", rank=50),
    ListEntry(Area.CONTROL, "transfers.railmatch", "compare_arrows", rank=20),
    ListEntry(Area.CONTROL, "transfers.railmismatch", "difference", rank=22),
    ListEntry(Area.TECHNICAL, "transfers.attempt", "send", rank=10),
    ListEntry(Area.TECHNICAL, "transfers.paymentorder", "draft", rank=20),
    ListEntry(Area.TECHNICAL, "transfers.railbreaker", "power_off", rank=30),
]
