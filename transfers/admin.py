"""Payments out and in, to read; retrying and cancelling ask first."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sunusav.core.models import User
from sunusav.core.qr import lightning_qr_svg
from sunusav.desk.actions import Action, Decision
from sunusav.desk.admins import ReadOnlyAdmin
from sunusav.desk.columns import offered
from sunusav.desk.facts import moment, mono, say, say_known, show_facts
from sunusav.desk.forms import ReasonAndCodeForm, ReasonForm
from sunusav.desk.money import show_msat, show_sats
from sunusav.desk.sections import Facts, Section, link_to, postings_of, trail_of
from transfers.enums import DISBURSEMENT_TRANSITIONS, CollectionState, DisbursementState
from transfers.models import Attempt, Collection, Disbursement, Partner, PaymentOrder, Receipt, WithdrawalLink
from transfers.services.cancellations import CANCELLABLE, cancel_collection
from transfers.services.disbursements import cancel_disbursement, retry_disbursement, subject_of


def _retry(decision: Decision) -> None:
    retry_disbursement(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _cancel(decision: Decision) -> None:
    cancel_disbursement(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _has_failed(user: User, row: Disbursement) -> bool:
    return row.state in (DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW)


def _is_cancellable(user: User, row: Disbursement) -> bool:
    return DisbursementState.CANCELLED in DISBURSEMENT_TRANSITIONS.get(row.state, frozenset())


RETRY = Action(
    slug="retry",
    label=pgettext_lazy("button", "Retry"),
    question=_("The payment is tried again, as the same order. Read first how its last attempt ended."),
    done=_("taken up again"),
    run=_retry,
    permission="transfers.retry_disbursement",
    form=ReasonAndCodeForm,
    is_offered=_has_failed,
    tone="good",
)
CANCEL = Action(
    slug="cancel",
    label=_("Cancel the payment"),
    question=_("Nothing is paid by this order any more, and what it was for may be ordered anew."),
    done=_("cancelled"),
    run=_cancel,
    permission="transfers.cancel_disbursement",
    form=ReasonForm,
    is_offered=_is_cancellable,
    tone="bad",
)


# Offered from settings: to look for the values in use would read the whole table for every page.
RAIL = offered("rail", lambda: settings.RAILS)
METHOD = offered("method", lambda: settings.COLLECTORS)


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "subject", "state", "payout_sats", "fee_sats", "net_sats", "rail", "requested_at", "completed_at",
        "failure",
    )  # fmt: skip
    list_filter = ("state", RAIL, "requested_at")
    search_fields = ("id", "subject", "orders__reference")
    search_help_text = _("The exact number, subject (such as cycle:demo-cycle) or payment hash.")
    ordering = ("-id",)
    fields = (
        "subject", "state", "payout_sats", "fee_sats", "net_sats", "rail", "destination_kind",
        "destination_value", "group_ref", "winner_ref", "settlement_partner", "requested_at", "scheduled_at",
        "due_at", "completed_at", "retries", "failure", "failure_message",
    )  # fmt: skip
    card_fields = (
        "subject", "state", "payout_sats", "net_sats", "rail", "destination_kind", "destination_value", "retries",
        "failure",
    )  # fmt: skip
    links = ("subject",)
    actions_offered = (RETRY, CANCEL)

    @admin.display(description=_("failure"))
    def failure(self, row: Disbursement) -> str:
        return say_known(row.failure_code)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.subject}, {show_sats(row.payout_sats)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        attempts = list(_attempts_with_books(row))
        return (
            *(_story_of(attempt) for attempt in attempts),
            postings_of(_bookings(attempts)),
            trail_of([subject_of(row.pk)]),
        )


def _attempts_with_books(row: Disbursement) -> QuerySet[Attempt]:
    booked = row.attempts.select_related("order", "hold_transaction", "close_transaction").order_by("number")
    return booked.prefetch_related(
        "hold_transaction__entries__account", "close_transaction__entries__account"
    )


def _bookings(attempts: Iterable[Attempt]) -> Iterable[tuple[Any, Any]]:
    for attempt in attempts:
        yield gettext("attempt %(number)s: hold") % {"number": attempt.number}, attempt.hold_transaction
        yield gettext("attempt %(number)s: close") % {"number": attempt.number}, attempt.close_transaction


def _story_of(attempt: Attempt) -> Facts:
    order = attempt.order
    title = gettext("Attempt %(number)s: %(state)s") % {
        "number": attempt.number,
        "state": gettext(attempt.get_state_display()),
    }
    return Facts(
        title,
        (
            (_("Payment hash or reference"), mono(order.reference)),
            (_("Amount"), show_msat(order.amount_msat)),
            (_("Routing fee allowed"), show_msat(order.fee_limit_msat)),
            (_("Payee"), mono(order.payee)),
            (_("Paid from"), mono(order.source)),
            (_("Opened"), moment(attempt.opened_at)),
            (_("Sent"), moment(attempt.sent_at)),
            (_("Times sent"), attempt.sends),
            (_("Seen outside"), moment(attempt.seen_at)),
            (_("Closed"), moment(attempt.closed_at)),
            (_("Outcome"), say(attempt.outcome)),
            (_("Proof (preimage)"), mono(attempt.proof)),
            (_("Cost"), show_msat(attempt.cost_msat)),
            (_("Evidence"), show_facts(attempt.evidence)),
            (_("Order"), link_to(order, f"#{order.pk}")),
        ),
    )


@admin.register(PaymentOrder)
class PaymentOrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "disbursement", "rail", "hash_shown", "amount_msat", "prepared_at", "expires_at")
    list_filter = (RAIL, "prepared_at")
    list_select_related = ("disbursement",)
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.rail} {row.reference[:12]}…"

    @admin.display(description=_("payment hash"))
    def hash_shown(self, order: PaymentOrder) -> Any:
        return mono(order.reference)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "disbursement", "number", "state", "opened_at", "closed_at", "outcome", "cost_msat")
    list_filter = ("state", "failure_class", "opened_at")
    list_select_related = ("disbursement",)
    search_fields = ("id", "order__reference")
    search_help_text = _("The exact number or payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return gettext("attempt %(number)s of disbursement %(disbursement)s") % {
            "number": row.number, "disbursement": row.disbursement_id,
        }  # fmt: skip


def _cancel_collection(decision: Decision) -> None:
    cancel_collection(
        collection_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _is_collection_cancellable(user: User, row: Collection) -> bool:
    return row.state in CANCELLABLE


CANCEL_COLLECTION = Action(
    slug="cancel-collection",
    label=_("Take the request back"),
    question=_(
        "Nobody can pay by it any more; its payer may be asked anew. What was paid meanwhile is booked."
    ),
    done=_("cancelled"),
    run=_cancel_collection,
    permission="transfers.cancel_collection",
    form=ReasonForm,
    is_offered=_is_collection_cancellable,
    tone="bad",
)


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "subject", "method", "state", "amount_msat", "received_msat", "requested_at", "settled_at", "trouble",
    )  # fmt: skip
    list_filter = ("state", "trouble", METHOD, "requested_at")
    search_fields = ("id", "subject", "reference")
    search_help_text = _("The exact number, subject or payment hash.")
    ordering = ("-id",)
    fields = (
        *list_display, "reference", "payment_request", "checkout_url", "expires_at", "ask_at", "source", "memo",
        "credit_role", "credit_owner", "overpaid_role", "overpaid_owner",
    )  # fmt: skip
    card_fields = ("subject", "method", "state", "amount_msat", "received_msat", "expires_at")
    actions_offered = (CANCEL_COLLECTION,)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.subject}, {show_msat(row.amount_msat)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        receipts = row.receipts.select_related("transaction").prefetch_related(
            "transaction__entries__account"
        )
        booked = [(receipt.received_at, receipt.transaction) for receipt in receipts.order_by("pk")]
        return (*_invoice_of(row), postings_of(booked), trail_of([f"collection:{row.pk}"]))


def _invoice_of(row: Collection) -> Sequence[Section]:
    """Return the open invoice to scan; nothing for what cannot be paid by one, or any more."""
    if row.state != CollectionState.OPEN or row.checkout_url or not row.payment_request:
        return ()
    code = format_html('<div class="qr">{}</div>', mark_safe(lightning_qr_svg(row.payment_request)))  # noqa: S308  (our own drawing)
    return (Facts(_("Invoice to pay"), ((_("QR code"), code),)),)


@admin.register(WithdrawalLink)
class WithdrawalLinkAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "subject",
        "state",
        "amount_msat",
        "opened_at",
        "expires_at",
        "redeemed_at",
        "failure",
    )
    fields = (
        "subject", "state", "amount_msat", "rail", "opened_by", "opened_at", "expires_at", "redeemed_at",
        "destination_kind", "destination_value", "take_at", "disbursement", "failure", "failure_message",
    )  # fmt: skip
    list_filter = ("state", "opened_at")
    search_fields = ("id", "subject")
    search_help_text = _("The exact number or subject (such as cycle:demo-cycle).")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.subject}, {show_msat(row.amount_msat)}"

    @admin.display(description=_("failure"))
    def failure(self, row: WithdrawalLink) -> str:
        return say_known(row.failure_code)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (trail_of([f"withdrawal:{row.pk}"]),)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("id", "collection", "received_msat", "reference", "received_at", "transaction")
    list_filter = ("received_at",)
    list_select_related = ("collection", "transaction")
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {show_msat(row.received_msat)}"


@admin.register(Partner)
class PartnerAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "countries", "position", "is_enabled")
    ordering = ("position",)
