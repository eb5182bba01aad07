"""Settlements: finance closes a month, another person approves it, finance pays it or records the bank's payment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners.enums import SettlementStatus
from partners.models import Settlement, SettlementBankPayment
from partners.models.settlement import REFERENCE_LENGTH
from partners.settlements.admin.contests import CONTEST
from partners.settlements.admin.statements import SHARE_STATEMENT, statement_file, statement_sections
from partners.settlements.queries import (
    approval_of,
    due_windows,
    is_repeatable,
    keys_with,
    known_partners,
    registered_account,
    settlement_facts,
    subject_of,
)
from partners.settlements.services.payments import (
    Approved,
    BankEvidence,
    execute_settlement,
    record_bank_payment,
)
from partners.settlements.services.windows import close_window, propose_again
from sunusav.backoffice.action_pages import person_of
from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.attachments import AttachmentField, attachment_sections
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.facts import moment, numbered, show_code_or_text
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forbidden import PermissionMissing
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import NOTHING, show_msat, show_xof
from sunusav.backoffice.sections import Facts, Section, postings_of, show_subject
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock, phrasing
from sunusav.core.calendar import DAKAR
from sunusav.core.models import User

PROPOSE, EXECUTE = "partners.propose_settlement", "partners.execute_settlement"
PAYABLE = (SettlementStatus.APPROVED, SettlementStatus.FAILED)
# The key of what an action above the list is about: none of the rows.
OF_ALL = "None"


class CloseForm(ReasonAndCodeForm):
    """Whose next month is closed and proposed."""

    partner = forms.ChoiceField(label=_("Partner"))
    field_order = ("partner", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["reason"]
        names = [(name, show_code_or_text(name)) for name in known_partners()]
        self.fields["partner"].choices = names  # type: ignore[attr-defined]


class BankPaymentForm(ReasonAndCodeForm):
    """The line of the bank's statement that shows the payment."""

    reference = forms.CharField(
        label=_("Reference of the bank"), max_length=REFERENCE_LENGTH, strip=True,
        help_text=_("As it stands on the bank's statement. Each is booked once."),
    )  # fmt: skip
    paid_on = forms.DateField(
        label=_("Paid on"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    document = AttachmentField(label=_("Document of the bank"))
    field_order = ("reference", "paid_on", "reason", "document", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Explanation")
        self.fields["paid_on"].initial = localdate(clock.now(), DAKAR)


def _close(decision: Decision) -> None:
    close_window(partner=decision.form_data["partner"], proposer=decision.user, now=decision.now)


def _propose_again(decision: Decision) -> None:
    propose_again(
        settlement_id=decision.row.pk, proposer=decision.user, reason=decision.reason, now=decision.now
    )


def _execute(decision: Decision) -> None:
    execute_settlement(
        settlement_id=decision.row.pk, seen=_seen(decision), user=decision.user, now=decision.now,
        reason=decision.reason,
    )  # fmt: skip


def _record_bank_payment(decision: Decision) -> None:
    given = decision.form_data
    record_bank_payment(
        settlement_id=decision.row.pk, seen=_seen(decision), user=decision.user, now=decision.now,
        evidence=BankEvidence(given["reference"], given["paid_on"], decision.reason, given["document"]),
    )  # fmt: skip


def _seen(decision: Decision) -> Approved:
    """Return the approval that the confirmation showed."""
    approval = approval_of(decision.row)
    return Approved(approval.proposal_id if approval else 0, decision.seen)


def _digest(row: Any) -> str:
    approval = approval_of(row) if row.pk else None
    return approval.proposal.digest if approval else ""


def _is_the_list(user: User, row: Any) -> bool:
    """Return whether this stands for all partners, not for a settlement."""
    return row.pk is None


def _is_payable(user: User, row: Any) -> bool:
    return row.pk is not None and row.facts.status in PAYABLE


def _is_repeatable(user: User, row: Any) -> bool:
    return row.pk is not None and is_repeatable(row, row.facts.status)


CLOSE_MONTH = Action(
    slug="close",
    label=_("Close a month"),
    question=_(
        "The partner's next month is closed and proposed. Nobody is paid until another person approves it."
    ),
    done=_("closed; another person has to approve"),
    run=_close,
    permission=PROPOSE,
    form=CloseForm,
    is_offered=_is_the_list,
    tone="good",
)
PROPOSE_AGAIN = Action(
    slug="propose-again",
    label=_("Propose it again"),
    question=_("What accrued in its month stays as it was. Another person decides on it."),
    done=_("proposed; another person has to approve"),
    run=_propose_again,
    permission=PROPOSE,
    form=ReasonForm,
    is_offered=_is_repeatable,
    is_about_one_row=True,
    proposes="settlement",
)
PAY = Action(
    slug="execute",
    label=_("Pay by the partner's rail"),
    question=_(
        "The whole francs that were approved leave our money at the partner for its registered account."
    ),
    done=_("ordered; a worker sends it"),
    run=_execute,
    permission=EXECUTE,
    form=ReasonAndCodeForm,
    is_offered=_is_payable,
    seen=_digest,
    is_about_one_row=True,
    tone="good",
)
BANK_PAID = Action(
    slug="record-bank-payment",
    label=_("Record the payment of the bank"),
    question=_("It is booked on the bank account, for good. Nothing is sent."),
    done=_("settled"),
    run=_record_bank_payment,
    permission=EXECUTE,
    form=BankPaymentForm,
    is_offered=_is_payable,
    seen=_digest,
    is_about_one_row=True,
)


class StatusFilter(FewRows):
    """Keep the settlements in a state as people see it."""

    title = _("state")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (value, phrasing.code_label(value, of="settlement_status")) for value in SettlementStatus.values
        ]

    def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
        return Settlement.objects.filter(pk__in=keys_with(value))


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "partner_shown",
        "month_shown",
        "accrued_sats",
        "due_xof",
        "status_shown",
        "closed_at",
    )
    fields = (
        "partner_shown", "month_shown", "records", "accrued_sats", "accrued_shown", "carried_shown", "due_xof",
        "taken_shown", "residue_shown", "status_shown", "closed_at", "completed_shown",
    )  # fmt: skip
    list_filter = (StatusFilter, "period_start")
    links = ("partner",)
    ordering = ("-id",)
    actions_offered = (CLOSE_MONTH, PAY, BANK_PAID, PROPOSE_AGAIN, SHARE_STATEMENT, CONTEST)
    card_fields = ("partner_shown", "month_shown", "accrued_sats", "due_xof", "status_shown")

    def prepare(self, rows: Sequence[Any]) -> None:
        stored = [row for row in rows if row.pk]
        for row, facts in zip(stored, settlement_facts(stored), strict=True):
            row.facts = facts

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view(self.statement_view), "partners_settlement_statement"
        return [path("<int:settlement_id>/statement/<slug:file>/", view, name=name), *super().get_urls()]

    def statement_view(self, request: HttpRequest, settlement_id: int, file: str) -> HttpResponseBase:
        """Return a file of the statement. Raises: PermissionMissing; Http404."""
        if not self.has_view_permission(request):
            raise PermissionMissing(["partners.view_settlement"])
        return statement_file(get_object_or_404(Settlement, pk=settlement_id), file)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no list action: each settlement is paid on its own page."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, Settlement())

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [Settlement()] if list(keys) in ([], [OF_ALL]) else super().rows_for(request, keys)

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return super().url_after_action(rows) if rows and rows[0].pk else self.list_url()

    @admin.display(description=_("partner"), ordering="partner")
    def partner_shown(self, row: Settlement) -> str:
        return show_code_or_text(row.partner)

    @admin.display(description=_("month"), ordering="period_start")
    def month_shown(self, row: Settlement) -> str:
        return f"{row.period_start:%Y-%m}"

    @admin.display(description=_("accrued in francs, exactly"))
    def accrued_shown(self, row: Settlement) -> str:
        return show_xof(row.accrued_xof)

    @admin.display(description=_("carried over from the month before"))
    def carried_shown(self, row: Settlement) -> str:
        return show_xof(row.carried_xof)

    @admin.display(description=_("left over for the next month"))
    def residue_shown(self, row: Settlement) -> str:
        return show_xof(row.residue_xof)

    @admin.display(description=_("taken from the reserve"))
    def taken_shown(self, row: Settlement) -> str:
        return show_msat(row.settled_msat)

    @admin.display(description=_("completed at"))
    def completed_shown(self, row: Any) -> str:
        """Show when the rail's payment was completed, which its own row says, or the stored moment."""
        return moment(row.facts.executed_at) if row.facts.executed_at else NOTHING

    @admin.display(description=_("state"))
    def status_shown(self, row: Any) -> Any:
        return show_choice(row.facts.status, of="settlement_status") if row.pk else NOTHING

    def name_of(self, row: Any) -> str:
        if not row.pk:
            return gettext("Months to settle")
        return (
            f"{numbered(row.pk)} {self.partner_shown(row)} {self.month_shown(row)}, {show_xof(row.due_xof)}"
        )

    def card(self, action: Action, row: Any) -> Card:
        if row.pk:
            return super().card(action, row)
        due = [(show_code_or_text(name), _months(name)) for name in known_partners()]
        return Card(self.key_of(row), self.name_of(row), due)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        paid = SettlementBankPayment.objects.filter(settlement=row).select_related("recorder").first()
        payment = row.facts.payout_id
        subjects = [subject_of(row.pk), *([f"disbursement:{payment}"] if payment else [])]
        user = person_of(request)
        files = attachment_sections(subject_of(row.pk), user=user)
        return (*_payment(row, paid), *statement_sections(row, user), *files, timeline_of(subjects))


def _months(partner: str) -> str:
    due = due_windows(partner, now=clock.now())
    return ", ".join(f"{window.start:%Y-%m}" for window in due) or gettext("nothing is due")


def _payment(row: Any, paid: SettlementBankPayment | None) -> Sequence[Section]:
    """Return how a settlement is paid: to which account, by which payment or by which line of the bank."""
    approval = approval_of(row)
    facts: list[tuple[Any, Any]] = []
    if approval is not None:
        account = registered_account(approval.account) if approval.account else None
        facts.append((_("Approved by"), approval.approver.get_username()))
        facts.append((_("Account"), f"{account.masked_value}, {account.holder}" if account else NOTHING))
    if row.facts.payout_id:
        facts.append((_("Payment"), show_subject(f"disbursement:{row.facts.payout_id}")))
    if paid is None:
        return (Facts(_("How it is paid"), facts),) if facts else ()
    facts += [
        (_("Reference of the bank"), paid.reference), (_("Paid on"), paid.paid_on),
        (_("Recorded"), moment(paid.recorded_at)), (_("Recorded by"), paid.recorder.get_username()),
    ]  # fmt: skip
    prefetch_related_objects([paid], "transaction__entries__account")
    return (Facts(_("How it is paid"), facts), postings_of([(paid.explanation, paid.transaction)]))
