"""Transfers of credit to another person: finance proposes one with its evidence, an approver has it booked."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ledger.queries import owed
from ledger.types import msat
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import badge
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import numbered, show_code
from sunusav.backoffice.money import NOTHING, show_msat
from sunusav.backoffice.sections import Box, Section, link_to, postings_of
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.models import Proposal
from sunusav.core.subjects import key_of
from transfers.admin.evidence import amounts_of, typed_money, warned
from transfers.models import CreditTransfer, CreditTransferRequest
from transfers.services.credit_transfers import CREDIT_TRANSFER, subject_of, transfer_request


@admin.register(CreditTransferRequest)
class CreditTransferRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "from_shown", "to_shown", "amount_msat", "reference", "proposed_at", "state_shown")
    fields = (
        "from_shown", "to_shown", "amount_msat", "reference", "explanation", "proposer", "proposed_at", "state_shown",
        "approver_shown",
    )  # fmt: skip
    list_filter = ("proposed_at",)
    search_fields = ("from_owner", "to_owner")
    search_help_text = _("The exact identifier, in the form member:user-123.")
    ordering = ("-id",)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Attach to each request its proposal, and its booking if there is one."""
        keys = [row.pk for row in rows]
        proposals = Proposal.objects.filter(kind=CREDIT_TRANSFER, subject_id__in=[str(key) for key in keys])
        by_subject = {proposal.subject_id: proposal for proposal in proposals}
        booked = CreditTransfer.objects.filter(request__in=keys).select_related("approver")
        by_request = {one.request_id: one for one in booked}
        for row in rows:
            row.proposal, row.booking = by_subject.get(str(row.pk)), by_request.get(row.pk)

    @admin.display(description=_("from"), ordering="from_owner")
    def from_shown(self, row: CreditTransferRequest) -> str:
        return key_of(row.from_owner)

    @admin.display(description=_("to"), ordering="to_owner")
    def to_shown(self, row: CreditTransferRequest) -> str:
        return key_of(row.to_owner)

    @admin.display(description=_("state"))
    def state_shown(self, row: Any) -> Any:
        """Show the state of its proposal with a link; of one that was approved, that it is booked."""
        if row.booking:
            return badge("booked", show_code("booked"))
        if row.proposal is None:
            return NOTHING
        return link_to(row.proposal, badge(row.proposal.state, show_code(row.proposal.state)))

    @admin.display(description=_("approver"))
    def approver_shown(self, row: Any) -> str:
        return row.booking.approver.get_username() if row.booking else NOTHING

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {key_of(row.from_owner)} → {key_of(row.to_owner)}, {show_msat(row.amount_msat)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        prefetch_related_objects([row.booking] if row.booking else [], "transaction__entries__account")
        booked = row.booking and row.booking.transaction
        return (postings_of([(row.explanation, booked)]), timeline_of([subject_of(row.pk)]))


BOOKED_FOLLOWS = _(
    "%(amount)s leave the credit of %(from_member)s and become credit of %(to_member)s. Nothing is sent."
)
CREDIT_OF = _("Credit of %(member)s")
CHECK_EVIDENCE = _("Look at the document yourself: it names both people and what one is owed by the other.")


@evidence_for(CREDIT_TRANSFER)
def transfer_evidence(proposal: Proposal) -> Evidence:
    """Show what is moved, and both credits as they are and would be."""
    row = transfer_request(proposal.subject_id)
    facts = {
        "amount": show_msat(row.amount_msat), "from_member": key_of(row.from_owner),
        "to_member": key_of(row.to_owner),
    }  # fmt: skip
    amount = msat(row.amount_msat)
    typed = typed_money(amount)
    moved = [(row.from_account, -row.amount_msat), (row.to_account, row.amount_msat)]
    return Evidence(
        Box(IF_APPROVED, BOOKED_FOLLOWS % facts, steps=[CHECK_EVIDENCE]),
        [
            (
                CREDIT_OF % {"member": key_of(account.owner)}, show_msat(owed(account)),
                show_msat(owed(account) + change),
            )
            for account, change in moved
        ],
        amounts_of(amount),
        warnings=warned(typed),
        typed=typed,
    )  # fmt: skip
