"""Issued receipts and their links. A link's token is shown nowhere: anybody who has it sees the receipt."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import moment, numbered, readable
from sunusav.backoffice.forms import ReasonForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.sections import Facts, Section, Table
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.app_modules import collect
from sunusav.core.models import User
from transfers.models import IssuedReceipt, ReceiptLink
from transfers.services.receipt_links import revoke_receipt_link


def _revoke(decision: Decision) -> None:
    revoke_receipt_link(
        number=decision.row.number, actor=Actor.of(decision.user), reason=decision.reason, now=decision.now
    )


def _has_open_link(user: User, row: Any) -> bool:
    return bool(row.links.filter(closed_at=None, expires_at__gt=clock.now()).exists())


REVOKE_LINK = Action(
    slug="revoke-link",
    label=_("Revoke the link"),
    question=_(
        "Nobody sees the receipt by this link any more. The receipt itself remains, and can get a new link."
    ),
    done=_("revoked"),
    run=_revoke,
    permission="transfers.issue_receipt",
    form=ReasonForm,
    is_offered=_has_open_link,
    tone="bad",
)


KIND = choice_filter("kind", lambda: [one.kind for one in collect("receipt_kinds", "RECEIPTS")])


@admin.register(IssuedReceipt)
class IssuedReceiptAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "subject", "issued_at", "issued_by", "tax_rate_bps", "tax_sats")
    list_filter = (KIND, "issued_at")
    search_fields = ("number", "subject")
    search_help_text = _("The exact number, or the subject (such as disbursement:17).")
    fields = (
        "number", "kind", "subject", "issued_at", "issued_by", "issuer", "tax_rate", "tax_rate_bps", "tax_sats",
    )  # fmt: skip
    fields_hidden_when_empty = ("tax_rate",)
    ordering = ("-id",)
    actions_offered = (REVOKE_LINK,)

    def name_of(self, row: Any) -> str:
        return str(row.number)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (
            Facts(_("On the receipt"), readable(row.facts)),
            _links_of(row),
            timeline_of([f"issued_receipt:{row.pk}"]),
        )


def _links_of(row: IssuedReceipt) -> Table:
    return Table(
        title=_("Links"),
        heads=(_("opened at"), _("opened by"), _("expires at"), _("closed at")),
        rows=[
            (
                moment(link.opened_at),
                link.opened_by,
                moment(link.expires_at),
                moment(link.closed_at) if link.closed_at else NOTHING,
            )
            for link in row.links.order_by("-pk")
        ],
        empty=_("No link was opened."),
    )


@admin.register(ReceiptLink)
class ReceiptLinkAdmin(ReadOnlyAdmin):
    list_display = ("id", "receipt", "opened_by", "opened_at", "expires_at", "closed_at")
    list_select_related = ("receipt",)
    fields = ("receipt", "opened_by", "opened_at", "expires_at", "closed_at")
    fields_hidden_when_empty = ("closed_at",)
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {row.receipt.number}"
