"""Money in, and the partners it may come through."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter, show_choice
from sunusav.backoffice.facts import moment, mono, numbered
from sunusav.backoffice.filters import amount_filter
from sunusav.backoffice.forms import ReasonForm
from sunusav.backoffice.money import show_in
from sunusav.backoffice.sections import (
    Facts,
    Section,
    Table,
    link_to,
    name_of_subject,
    postings_of,
    show_subject,
)
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.models import User
from sunusav.core.money import MSAT_PER_SAT
from sunusav.core.qr import qr_svg
from transfers.enums import CollectionState
from transfers.models import Collection, Partner, Receipt
from transfers.return_queries import RETURN_PREFIX, reversal_by
from transfers.services.cancellations import CANCELLABLE, cancel_collection

# From settings: reading the values in use would scan the whole table for every page.
METHOD = choice_filter("method", lambda: settings.COLLECTORS)
ASKED_SATS = amount_filter(
    "amount", name="asked_sats", heading=_("asked for, in sats"), factor=MSAT_PER_SAT,
    also={"currency": Currency.MSAT.value},
)  # fmt: skip
ASKED_XOF = amount_filter(
    "amount", name="asked_xof", heading=_("asked for, in francs"), also={"currency": Currency.XOF.value}
)


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
        "Nobody can pay it any more; its payer may be asked again. What was paid in part becomes the payer's credit."
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
        "id", "subject", "method", "state", "trouble", "asked_shown", "received_shown", "requested_at", "settled_at",
    )  # fmt: skip
    list_filter = ("state", "trouble", METHOD, ASKED_SATS, ASKED_XOF, "requested_at")
    search_fields = ("id", "subject", "reference")
    search_help_text = _("The exact number, subject or payment hash.")
    ordering = ("-id",)
    fields = (
        "subject", "state", "trouble", "asked_shown", "received_shown", "in_clearing", "due_shown", "conversion",
        "rate", "method", "memo", "requested_at", "expires_at", "settled_at", "reference", "payment_request",
        "checkout_url", "account_role", "account_owner", "credit_role", "credit_owner", "overpaid_role",
        "overpaid_owner", "source", "ask_at", "parts_transaction",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "trouble", "conversion", "rate", "settled_at", "payment_request", "checkout_url", "account_owner", "ask_at",
        "parts_transaction",
    )  # fmt: skip
    card_fields = ("subject", "method", "state", "asked_shown", "received_shown", "expires_at")
    actions_offered = (CANCEL_COLLECTION,)

    @admin.display(description=_("asked for"))
    def asked_shown(self, row: Any) -> str:
        return show_in(row.currency, row.amount)

    @admin.display(description=_("received"))
    def received_shown(self, row: Any) -> str:
        return show_in(row.currency, row.received)

    @admin.display(description=_("in clearing"))
    def in_clearing(self, row: Any) -> str:
        return show_in(row.currency, row.received if row.state == CollectionState.PARTIAL else 0)

    @admin.display(description=_("credited once complete"))
    def due_shown(self, row: Any) -> str:
        return show_in(row.due_currency, row.due)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {name_of_subject(row.subject)}, {show_in(row.currency, row.amount)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        receipts = row.receipts.select_related("transaction").prefetch_related(
            "transaction__entries__account"
        )
        arrived = list(receipts.order_by("pk"))
        booked = [(receipt.received_at, receipt.transaction) for receipt in arrived]
        if row.parts_transaction is not None:
            booked.append((row.parts_transaction.posted_at, row.parts_transaction))
        trail = timeline_of([f"collection:{row.pk}"])
        return (*_invoice_of(row), *_reversal_of(row), _payments_of(row, arrived), postings_of(booked), trail)


def _invoice_of(row: Collection) -> Sequence[Section]:
    """Return the open invoice to scan; nothing where there is none or it can no longer be paid."""
    if row.state != CollectionState.OPEN or row.checkout_url or not row.payment_request:
        return ()
    drawing = qr_svg(f"lightning:{row.payment_request}", ignores_case=True)
    code = format_html('<div class="qr">{}</div>', mark_safe(drawing))  # noqa: S308  (our own drawing)
    return (Facts(_("Invoice to pay"), ((_("QR code"), code),)),)


def _reversal_of(row: Collection) -> Sequence[Section]:
    """Return what a return of money proved; nothing for other collections."""
    if not row.subject.startswith(RETURN_PREFIX):
        return ()
    proved = reversal_by(row)
    link = link_to(proved, numbered(proved.pk)) if proved else _("No reversal yet.")
    return (
        Facts(
            _("Return of the money"), ((_("For"), show_subject(row.subject)), (_("Proves reversal"), link))
        ),
    )


def _payments_of(row: Collection, receipts: Sequence[Receipt]) -> Table:
    return Table(
        title=_("Payments"),
        heads=(_("when"), _("amount"), _("use"), _("reference")),
        rows=[_payment_row(row, receipt) for receipt in receipts],
        empty=_("Nothing has arrived yet."),
    )


def _payment_row(row: Collection, receipt: Receipt) -> Sequence[Any]:
    amount = show_in(row.currency, receipt.received)
    return (moment(receipt.received_at), amount, show_choice(receipt.use, of="use"), mono(receipt.reference))


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("id", "collection", "received_shown", "use", "reference", "received_at", "transaction")
    fields = (
        "collection", "received_shown", "use", "method", "reference", "proof", "received_at", "transaction",
    )  # fmt: skip
    list_filter = ("received_at",)
    list_select_related = ("collection", "transaction")
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {self.received_shown(row)}"

    @admin.display(description=_("received"))
    def received_shown(self, row: Any) -> str:
        return show_in(row.collection.currency, row.received)


@admin.register(Partner)
class PartnerAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "countries", "position", "is_enabled")
    ordering = ("position",)

    def name_of(self, row: Any) -> str:
        return str(row.name)
