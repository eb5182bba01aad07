"""What finance proposes about a person: to erase their name and phone, or to move their credit to another."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payouts.enums import MEMBER_ERASURE
from payouts.models import MemberErasure
from payouts.queries.groups import masked
from payouts.queries.outstanding import outstanding
from payouts.queries.people import memberships
from payouts.services.erasure import propose_erasure
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING, show_msat
from sunusav.backoffice.sections import Box, Facts
from sunusav.core.models import Proposal, User
from sunusav.core.privacy import ERASED
from transfers.services.credit_transfers import propose_credit_transfer, waiting_transfer

LONGEST_IDENTIFIER, LONGEST_REFERENCE = 64, 120
NAMES_ARE_GONE = _(
    "The name and phone of %(user_id)s are unreadable for good, everywhere, and they leave all groups. Books, trail and"
    " proofs of payments do not change."
)
FOR_GOOD = _("This cannot be undone.")
CHECK_REQUEST = _("Check that the person asked for it, or the document that proves their death.")


class CreditTransferForm(ReasonAndCodeForm):
    """Who receives a member's credit, and the evidence."""

    to_user_id = forms.CharField(
        label=_("To"), max_length=LONGEST_IDENTIFIER, strip=True,
        help_text=_("The identifier of the member who receives the credit, an heir for instance."),
    )  # fmt: skip
    reference = forms.CharField(
        label=_("Reference of the evidence"), max_length=LONGEST_REFERENCE, strip=True,
        help_text=_("Where the document is kept. No names or phones: this is kept for good."),
    )  # fmt: skip
    field_order = ("to_user_id", "reference", "reason", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Explanation")


class AboutPersonForm(ReasonAndCodeForm):
    """Why a member's data is erased or shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("It is kept for good: write no name or phone of the member.")


def _propose_erasure(decision: Decision) -> None:
    propose_erasure(
        user_id=decision.row.user_id, reason=decision.reason, proposer=decision.user, now=decision.now
    )


def _propose_transfer(decision: Decision) -> None:
    propose_credit_transfer(
        from_user_id=decision.row.user_id, to_user_id=decision.form_data["to_user_id"],
        reference=decision.form_data["reference"], explanation=decision.reason, proposer=decision.user,
        now=decision.now,
    )  # fmt: skip


def is_not_erased(user: User, row: Any) -> bool:
    """Return whether the data of a member, as prepared for a page, can still be read."""
    return not row.shown.is_erased


def _has_credit(user: User, row: Any) -> bool:
    return bool(row.credit_msat > 0)


def _may_move_credit(user: User, row: Any) -> bool:
    return _has_credit(user, row) and waiting_transfer(row.user_id) is None


PROPOSE_ERASURE = Action(
    slug="propose-erasure",
    label=_("Propose to erase name and phone"),
    question=_("Once another person has approved, name and phone are unreadable for good, in all groups."),
    done=_("proposed; another person has to approve"),
    run=_propose_erasure,
    permission="payouts.propose_member_erasure",
    form=AboutPersonForm,
    is_offered=is_not_erased,
    proposes=MEMBER_ERASURE,
    tone="bad",
)
PROPOSE_CREDIT_TRANSFER = Action(
    slug="propose-credit-transfer",
    label=_("Propose to move the credit to another person"),
    question=_("Once another person has approved, all credit that the member has now is the other person's."),
    done=_("proposed; another person has to approve"),
    run=_propose_transfer,
    permission="transfers.propose_credit_transfer",
    form=CreditTransferForm,
    is_offered=_may_move_credit,
    is_listed=_has_credit,
)


@evidence_for(MEMBER_ERASURE)
def erasure_evidence(proposal: Proposal) -> Evidence:
    """Show what is lost, and what is outstanding of the person now."""
    user_id, groups = str(proposal.facts["user_id"]), proposal.facts["groups"]
    (shown,) = masked(memberships(user_id)[-1:])
    return Evidence(
        Box(IF_APPROVED, NAMES_ARE_GONE % {"user_id": user_id}, steps=[CHECK_REQUEST], tone="alarm"),
        [
            (_("Name"), shown.name or NOTHING, ERASED),
            (_("Phone"), shown.phone or NOTHING, ERASED),
            (_("Groups"), ", ".join(groups) or NOTHING, NOTHING),
        ],
        [(_("Groups that they leave"), len(groups))],
        figures=(outstanding_of(user_id),),
        warnings=[FOR_GOOD],
    )


def outstanding_of(user_id: str) -> Facts:
    """Return the section of what is held of a person or may still move."""
    found = outstanding(user_id)
    facts: Sequence[tuple[Any, Any]] = (
        (_("Credit"), show_msat(found.credit_msat)),
        (_("Cycles that are not paid"), found.open_cycles),
        (_("Open payment requests"), found.open_requests),
        (_("Payments to them that may still be paid"), found.open_payments),
    )
    return Facts(_("Outstanding"), facts)


@admin.register(MemberErasure)
class MemberErasureAdmin(ReadOnlyAdmin):
    list_display = ("id", "user_id", "proposer", "approver", "erased_at")
    list_select_related = ("proposer", "approver")
    search_fields = ("user_id",)
    search_help_text = _("The exact identifier of the member.")
    ordering = ("-id",)
    links = ("proposal",)
