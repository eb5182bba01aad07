"""What members have a right to: a copy of what is kept about them, and that their name and phone are right."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.admin.people import is_not_erased
from payouts.calculations import international
from payouts.enums import MEMBER_CORRECTION
from payouts.queries.groups import masked_person
from payouts.queries.outstanding import outstanding
from payouts.queries.people import memberships, newest_correction
from payouts.services.corrections import propose_correction
from payouts.services.exports import export_person
from sunusav.backoffice.actions import Action, Decision, Download
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.sections import Box
from sunusav.core.models import Proposal
from sunusav.core.privacy import keys_of
from transfers.types import member_ref

LONGEST_NAME, LONGEST_PHONE = 120, 40
KEPT_FOR_GOOD = _("It is kept for good: write no name or phone of the member.")
CHECK_DOCUMENT = _("Check the document that shows the right name or phone.")
NEW_PHONE = _("A new phone can receive their payouts: have them confirm it in person or by the old one.")
UNCHANGED = _("unchanged")
CORRECTED = _(
    "Name or phone of %(user_id)s change in all groups. Above a limit, payouts to a new phone wait."
)


class ExportForm(ReasonAndCodeForm):
    """Who asked for a copy of a member's data."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = KEPT_FOR_GOOD


class CorrectionForm(ReasonAndCodeForm):
    """A member's right name, phone, or both."""

    display_name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME, strip=True, required=False)
    phone = forms.CharField(
        label=_("Phone"), max_length=LONGEST_PHONE, strip=True, required=False,
        help_text=_("With its country, such as +221771234567."),
    )  # fmt: skip
    field_order = ("display_name", "phone", "reason", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = KEPT_FOR_GOOD

    def clean_phone(self) -> str:
        text = str(self.cleaned_data["phone"])
        number = international(text) if text else ""
        if number is None:
            raise forms.ValidationError(_("A phone number such as +221771234567 is required."))
        return number

    def clean(self) -> dict[str, Any]:
        if not self.errors and not (self.cleaned_data["display_name"] or self.cleaned_data["phone"]):
            self.add_error(None, _("Give a name, a phone, or both."))
        return super().clean()


def _export(decision: Decision) -> Download:
    user_id = decision.row.user_id
    document = export_person(user_id=user_id, reason=decision.reason, actor=decision.actor, now=decision.now)
    return Download(f"member-{user_id}.json", "application/json", document)


def _propose_correction(decision: Decision) -> None:
    form = decision.form_data
    propose_correction(
        user_id=decision.row.user_id, display_name=form["display_name"], phone=form["phone"],
        reason=decision.reason, proposer=decision.user, now=decision.now,
    )  # fmt: skip


EXPORT = Action(
    slug="export",
    label=_("Export what is kept about the person"),
    question=_(
        "The file has their name, phone and destinations in full. Hand it to them alone, then delete it."
    ),
    done=_("exported"),
    run=_export,
    permission="payouts.export_person",
    form=ExportForm,
    is_about_one_row=True,
)
PROPOSE_CORRECTION = Action(
    slug="propose-correction",
    label=_("Propose to correct name or phone"),
    question=_("Once another person has approved, name and phone are these, in all groups."),
    done=_("proposed; another person has to approve"),
    run=_propose_correction,
    permission="payouts.propose_member_correction",
    form=CorrectionForm,
    is_offered=is_not_erased,
    proposes=MEMBER_CORRECTION,
    is_about_one_row=True,
)


@evidence_for(MEMBER_CORRECTION)
def correction_evidence(proposal: Proposal) -> Evidence:
    """Show name and phone before and after, masked, and in how many groups they change."""
    user_id = str(proposal.facts["user_id"])
    rows, then = memberships(user_id), newest_correction(user_id)
    keys = keys_of([member_ref(user_id)])
    before, after = (
        masked_person(keys, user_id, one.sealed_name, one.sealed_phone) for one in (rows[-1], then)
    )
    return Evidence(
        Box(IF_APPROVED, CORRECTED % {"user_id": user_id}, steps=[CHECK_DOCUMENT]),
        [
            (_("name"), before.name, _after(after.name)),
            (_("phone"), before.phone, _after(after.phone)),
        ],
        [
            (_("Groups in which it changes"), len(rows)),
            (_("Cycles that are not paid"), outstanding(user_id).open_cycles),
        ],
        warnings=[NEW_PHONE] if then.sealed_phone is not None else [],
    )  # fmt: skip


def _after(shown: str) -> Any:
    return shown or UNCHANGED
