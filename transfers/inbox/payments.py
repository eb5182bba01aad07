"""Payments and payment requests that wait for a person."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Case, F, QuerySet, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.enums import Currency
from sunusav.backoffice.facts import numbered, show_code
from sunusav.backoffice.inbox import (
    ALARM,
    ATTENTION,
    CALM,
    ROWS_SHOWN,
    Amount,
    InboxItem,
    NextStep,
    Notice,
    Row,
    Waiting,
    count_waiting,
)
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import action_page, name_of_subject, page_of
from sunusav.core import subjects
from sunusav.core.models import User
from sunusav.core.roles import Role
from sunusav.core.switches import outgoing
from transfers import attempt_queries, collection_queries, queries
from transfers.enums import (
    LIMIT_DEFERRALS,
    DeferralCode,
    DisbursementState,
)
from transfers.limit_queries import held_payments
from transfers.models import Attempt, Collection, Disbursement
from transfers.return_queries import unclaimed_returns

# What is to be paid, once it is known what is left after the fee.
NET: Final = Coalesce("net_msat", "payout_msat")
# Only these end without anybody doing anything.
PASSING: Final = (DeferralCode.COOLING_OFF, DeferralCode.RAIL_UNAVAILABLE)
REPAIR = "transfers.retry_disbursement"


def _failed(user: User, now: datetime) -> Notice | None:
    failed = Disbursement.objects.filter(state=DisbursementState.FAILED)
    url = _list(state__exact=DisbursementState.FAILED.value)
    return _payments(
        _("Failed payments to repair"), failed, url, ALARM, step=pgettext_lazy("button", "Repair")
    )


def _reviews(user: User, now: datetime) -> Notice | None:
    """Report the payments under review, the one that waits for the longest first."""
    queue = queries.review_queue()
    rows = Disbursement.objects.filter(state=DisbursementState.NEEDS_REVIEW)
    waiting = count_waiting(rows, since="requested_at", msat=NET, xof="pay_xof") if queue else None
    if waiting is None:
        return None
    since = {one.disbursement_id: one.since for one in queue[:ROWS_SHOWN]}
    found = Disbursement.objects.in_bulk(list(since))
    shown = [
        _payment(found[pk], at, _("Decide"), "transfers.propose_resolution")
        for pk, at in since.items()
        if pk in found
    ]
    # `o=1` orders by the first column, the number: the oldest first.
    url = _list(state__exact=DisbursementState.NEEDS_REVIEW.value, o=1)
    waits = Waiting(waiting.count, waiting.amount, queue[0].since)
    return Notice(_("Payments to review"), "", url, ATTENTION, waits, shown)


def _deferred(user: User, now: datetime) -> Notice | None:
    """Report why payments wait, by reason, each with the next moment at which one of them is tried again."""
    rows = queries.deferred(DeferralCode)
    waiting = count_waiting(rows, since="scheduled_at", msat=NET, xof="pay_xof")
    if waiting is None:
        return None
    by_code: dict[str, list[Disbursement]] = defaultdict(list)
    for row in rows.only("failure_code", "net_msat", "payout_msat", "scheduled_at", "due_at")[
        : waiting.count
    ]:
        by_code[row.failure_code].append(row)
    shown = [_reason(code, found) for code, found in sorted(by_code.items())]
    tone = CALM if set(by_code) <= set(PASSING) else ATTENTION
    url = _list(state__exact=DisbursementState.PROCESSING.value)
    return Notice(_("Deferred payments"), "", url, tone, waiting, shown)


def _reason(code: str, rows: list[Disbursement]) -> Row:
    """Return what waits for one reason; a person may have it pass a limit."""
    url = _list(state__exact=DisbursementState.PROCESSING.value, failure_code=code)
    waive = action_page("transfers.disbursement", "waive", rows[0].pk) if len(rows) == 1 else url
    step = NextStep(_("Propose a waiver"), waive, "transfers.propose_payment_exception")
    return Row(
        title=show_code(code), url=url, since=min(row.scheduled_at for row in rows),
        until=min((row.due_at for row in rows if row.due_at), default=None),
        amount=Amount(sum(row.net_msat or row.payout_msat for row in rows)), count=len(rows),
        step=step if code in LIMIT_DEFERRALS else NextStep(_("See them"), url),
    )  # fmt: skip


def _overdue(user: User, now: datetime) -> Notice | None:
    """Report payments that are due and that no worker claims; while outgoing money is paused, the banner does."""
    if not outgoing().is_open:
        return None
    rows, url = queries.overdue(now), _list(overdue="yes")
    return _payments(_("Payments that are due, and no worker takes them"), rows, url, ALARM, by="due_at")


def _broke_workers(user: User, now: datetime) -> Notice | None:
    url = _list(broke_worker="yes")
    rows = queries.broke_their_worker()
    return _payments(_("Payments that broke their worker"), rows, url, ATTENTION, by="scheduled_at")


def _stuck(user: User, now: datetime) -> Notice | None:
    """Report payments without an outcome for an hour, besides those under review."""
    rows = queries.stuck_unreviewed(now)
    title = _("Payments without an outcome for more than an hour")
    url = f"{reverse('admin:transfers_attempt_changelist')}?stuck=yes"
    return _attempts(title, rows, "opened_at", ATTENTION, url=url)


def _paid_outside(user: User, now: datetime) -> Notice | None:
    rows = attempt_queries.paid_outside_books()
    title = _("Payments that are not in the books")
    return _attempts(title, rows, "paid_outside_at", ALARM, url=_list(paid_outside="yes"))


def _attempts(title: Any, rows: QuerySet[Attempt], since: str, tone: str, *, url: str) -> Notice | None:
    sats = Case(When(order__currency=Currency.MSAT.value, then=F("order__amount")))
    waiting = count_waiting(rows, since=since, msat=sats)
    if waiting is None:
        return None
    first = rows.select_related("order", "disbursement").order_by("pk")[:ROWS_SHOWN]
    shown = [_attempt(row, getattr(row, since)) for row in first]
    return Notice(title, "", url, tone, waiting, shown)


def _attempt(row: Attempt, since: datetime) -> Row:
    page = page_of("transfers.disbursement", row.disbursement_id)
    amount = Amount.of(row.order.currency, row.order.amount)
    return Row(_name(row.disbursement), page, since, amount=amount, step=NextStep(_("Open"), page))


def _returned(user: User, now: datetime) -> Notice | None:
    """Report money that recipients have paid back and for which nobody has proposed the reversal."""
    rows = unclaimed_returns()
    if not rows:
        return None
    keys = [subjects.key_of(row.subject) for row in rows]
    sats = sum(row.amount for row in rows if row.currency == Currency.MSAT)
    waiting = Waiting(len(rows), Amount(sats), min(row.settled_at or now for row in rows))
    shown = [_return(row, key) for row, key in zip(rows[:ROWS_SHOWN], keys, strict=False)]
    url = page_of("transfers.disbursement", keys[0])
    return Notice(_("Money that came back and is not booked back"), "", url, ATTENTION, waiting, shown)


def _return(row: Collection, disbursement_id: str) -> Row:
    page = page_of("transfers.disbursement", disbursement_id)
    step = NextStep(_("Open"), page, "transfers.propose_reversal")
    return Row(
        numbered(disbursement_id), page, row.settled_at, amount=Amount.of(row.currency, row.amount), step=step
    )


def _collections_with_problems(user: User, now: datetime) -> Notice | None:
    rows = collection_queries.with_problems()
    sats = Case(When(due_currency=Currency.MSAT.value, then=F("due")))
    waiting = count_waiting(rows, since="requested_at", msat=sats)
    if waiting is None:
        return None
    url = f"{reverse('admin:transfers_collection_changelist')}?trouble__gt="
    shown = [_collection(row) for row in rows.order_by("pk")[:ROWS_SHOWN]]
    return Notice(_("Payment requests to review"), "", url, ATTENTION, waiting, shown)


def _collection(row: Collection) -> Row:
    page = page_of("transfers.collection", row.pk)
    return Row(
        f"{numbered(row.pk)} {name_of_subject(row.subject)}", page, row.requested_at,
        amount=Amount.of(row.currency, row.amount),
        why=show_code(row.trouble), step=NextStep(_("Open"), page),
    )  # fmt: skip


def held_by_pause(now: datetime) -> Waiting | None:
    """Return what a pause holds, for the banner of every page: counted up to a bound."""
    return count_waiting(held_payments(now), since="scheduled_at", msat=NET)


def _payments(
    title: Any, rows: QuerySet[Disbursement], url: str, tone: str, *, step: Any = "", by: str = "pk"
) -> Notice | None:
    waiting = count_waiting(rows, since="scheduled_at", msat=NET, xof="pay_xof")
    if waiting is None:
        return None
    first = rows.order_by(by)[:ROWS_SHOWN]
    shown = [_payment(row, row.scheduled_at, step or _("Open"), REPAIR if step else "") for row in first]
    return Notice(title, "", url, tone, waiting, shown)


def _payment(row: Disbursement, since: datetime, step: Any, permission: str) -> Row:
    page = page_of("transfers.disbursement", row.pk)
    amount = Amount(row.payout_msat if row.net_msat is None else row.net_msat, row.pay_xof)
    why = show_reason(row.failure_code, row.failure_facts)
    return Row(_name(row), page, since, amount=amount, why=why, step=NextStep(step, page, permission))


def _name(row: Disbursement) -> str:
    return f"{numbered(row.pk)} {name_of_subject(row.subject)}"


def _list(**filters: Any) -> str:
    return f"{reverse('admin:transfers_disbursement_changelist')}?{urlencode(filters)}"


VIEW = "transfers.view_disbursement"
INBOX: Iterable[InboxItem] = [
    InboxItem(VIEW, _failed, [Role.FINANCE]),
    InboxItem(VIEW, _reviews, [Role.FINANCE]),
    InboxItem(VIEW, _deferred, [Role.FINANCE]),
    InboxItem(VIEW, _overdue, [Role.OPERATOR]),
    InboxItem(VIEW, _broke_workers, [Role.OPERATOR]),
    InboxItem(VIEW, _stuck, [Role.OPERATOR]),
    InboxItem(VIEW, _paid_outside, [Role.FINANCE]),
    InboxItem("transfers.propose_reversal", _returned, [Role.FINANCE]),
    InboxItem("transfers.view_collection", _collections_with_problems, [Role.FINANCE]),
]
