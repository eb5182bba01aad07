"""Rules about approvals: those in force as people read them, their history, and proposing another."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice import decisions
from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.evidence import Evidence
from sunusav.backoffice.facts import moment, numbered, show_code
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.rule_phrases import (
    approvals_phrase,
    kind_phrase,
    people_phrase,
    roles_phrase,
    rule_phrase,
)
from sunusav.backoffice.sections import Box, Section, Table
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.app_modules import collect
from sunusav.core.band_services import (
    APPROVAL_BAND,
    BandValue,
    band_request,
    in_force_for,
    needed_with,
    propose_band,
)
from sunusav.core.bands import bands_in_force
from sunusav.core.models import EVERY_KIND, MOST_APPROVALS, ApprovalBand, ApprovalBandRequest, Proposal
from sunusav.core.money import MSAT_PER_SAT, Currency, msat_from_sats
from sunusav.core.roles import Role

EVERY_AMOUNT, IN_SATS, IN_XOF = "", "sats", "xof"
IN_FORCE, ALL_VERSIONS = "in_force", "all"
UNITS = [
    (EVERY_AMOUNT, _("every amount")),
    (IN_SATS, _("from so many sats")),
    (IN_XOF, _("from so many francs")),
]
CURRENCY_OF = {EVERY_AMOUNT: "", IN_SATS: Currency.MSAT, IN_XOF: Currency.XOF}


def _kinds() -> list[tuple[str, str]]:
    kinds = [EVERY_KIND, *sorted(item.kind for item in collect("approvables", "APPROVABLES"))]
    return [(kind, kind_phrase(kind)) for kind in kinds]


def _roles() -> list[tuple[str, Any]]:
    return [("", gettext("anybody with the right")), *((role.value, show_code(role)) for role in Role)]


class RuleForm(ReasonAndCodeForm):
    """A proposed rule: which proposals, from which amount on, how many people, and in which role."""

    kind = forms.ChoiceField(label=_("Kind of proposal"), choices=_kinds)
    unit = forms.ChoiceField(label=_("Amounts"), choices=UNITS, required=False)
    from_amount = forms.IntegerField(
        label=_("From amount"), min_value=1, max_value=10**15, required=False,
        help_text=_("In the unit chosen above: sats or francs."),
    )  # fmt: skip
    approvals_needed = forms.IntegerField(label=_("Approvals needed"), min_value=1, max_value=MOST_APPROVALS)
    role = forms.ChoiceField(
        label=_("Role of the approvers"), choices=_roles, required=False,
        help_text=_("They need the right to approve this kind of proposal as well."),
    )  # fmt: skip
    field_order = ("kind", "unit", "from_amount", "approvals_needed", "role", "reason", "code")

    def clean_from_amount(self) -> int:
        """Require an amount with a unit, and none without."""
        amount: int | None = self.cleaned_data["from_amount"]
        if bool(amount) != bool(self.cleaned_data.get("unit")):
            raise forms.ValidationError(_("Give an amount together with its unit, or neither."))
        return amount or 0


def _propose(decision: Decision) -> None:
    given = decision.form_data
    unit, amount = given["unit"], given["from_amount"]
    value = BandValue(
        kind=given["kind"], approvals_needed=given["approvals_needed"], role=given["role"],
        currency=CURRENCY_OF[unit], from_amount=msat_from_sats(amount) if unit == IN_SATS else amount,
    )  # fmt: skip
    propose_band(value=value, reason=decision.reason, proposer=decision.user, now=decision.now)


PROPOSE_RULE = Action(
    slug="propose",
    label=_("Propose a rule"),
    question=_(
        "It applies once others have approved it: as many as the rule in force asks for. Of the rules that apply to a "
        "proposal, the strictest counts."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="core.propose_approval_band",
    form=RuleForm,
    tone="good",
    prefilled=("kind", "unit", "from_amount", "approvals_needed", "role"),
    is_about_one_row=True,
)


@admin.register(ApprovalBandRequest)
class ApprovalBandRequestAdmin(ReadOnlyAdmin):
    """A list of what was proposed; the action proposes something new, and is about none of the rows."""

    list_display = ("id", "rule", "reason", "requested_by", "requested_at")
    fields = list_display
    list_select_related = ("requested_by",)
    ordering = ("-id",)
    actions_offered = (PROPOSE_RULE,)

    @admin.display(description=_("rule"))
    def rule(self, row: ApprovalBandRequest) -> str:
        return rule_phrase(row)

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, ApprovalBandRequest())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [ApprovalBandRequest()]

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {rule_phrase(row)}" if row.pk else gettext("Rules in force")

    def card(self, action: Action, row: Any) -> Card:
        """Show the rules in force before another is proposed."""
        facts = [(rule_phrase(band), _set_at(band)) for band in bands_in_force()]
        return Card(self.key_of(row), self.name_of(row), facts)

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{APPROVAL_BAND}:{row.pk}"]),)


class InForce(FewRows):
    """The rules in force, unless all versions are asked for."""

    title = _("versions")
    parameter_name = "versions"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.used_parameters = self.used_parameters or {self.parameter_name: IN_FORCE}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(IN_FORCE, _("In force")), (ALL_VERSIONS, _("All versions"))]

    def choices(self, changelist: Any) -> Any:
        """Offer these two, and not Django's own "All"."""
        return list(super().choices(changelist))[1:]

    def found(self, request: HttpRequest, value: str) -> QuerySet[ApprovalBand]:
        if value == ALL_VERSIONS:
            return ApprovalBand.objects.all()
        return ApprovalBand.objects.filter(pk__in=[band.pk for band in bands_in_force()])


@admin.register(ApprovalBand)
class ApprovalBandAdmin(ReadOnlyAdmin):
    """The newest version of each rule is in force."""

    list_display = ("rule", "people", "set_shown", "proposer", "approver")
    list_filter = (InForce,)
    list_select_related = ("proposer", "approver")
    fields = ("rule", "people", "version", "set_shown", "proposer", "approver", "request", "proposal")
    fields_hidden_when_empty = ("proposer", "approver", "request", "proposal")
    ordering = ("kind", "currency", "from_amount", "version")

    @admin.display(description=_("rule"))
    def rule(self, row: ApprovalBand) -> str:
        return rule_phrase(row)

    @admin.display(description=_("who could approve"))
    def people(self, row: ApprovalBand) -> str:
        return NOTHING if row.kind == EVERY_KIND else people_phrase(row.kind, {row.role} - {""})

    @admin.display(description=_("set at"))
    def set_shown(self, row: ApprovalBand) -> Any:
        return _set_at(row)

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        """Offer the button of the requests here too, beside the rules in force."""
        return ApprovalBandRequestAdmin(ApprovalBandRequest, self.admin_site).list_buttons(request)

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        """Offer to propose another version, with what is in force filled in."""
        unit = {"": EVERY_AMOUNT, Currency.MSAT: IN_SATS, Currency.XOF: IN_XOF}[row.currency]
        amount = row.from_amount // MSAT_PER_SAT if unit == IN_SATS else row.from_amount
        given = {
            "kind": row.kind, "unit": unit, "from_amount": amount or "", "approvals_needed": row.approvals_needed,
            "role": row.role,
        }  # fmt: skip
        offered = self.list_buttons(request)
        return [Button(_("Propose a change"), f"{one.url}&{urlencode(given)}", one.tone) for one in offered]

    def name_of(self, row: Any) -> str:
        return gettext("%(rule)s, version %(version)s") % {"rule": rule_phrase(row), "version": row.version}

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        same = ApprovalBand.objects.filter(
            kind=row.kind, currency=row.currency, from_amount=row.from_amount
        ).select_related("proposer", "approver")
        trail = (timeline_of([f"{APPROVAL_BAND}:{row.request_id}"]),) if row.request_id else ()
        return (_history(same.order_by("-version")), *trail)


def _history(versions: QuerySet[ApprovalBand]) -> Table:
    return Table(
        title=_("Versions"),
        heads=(_("version"), _("approvals needed"), _("role"), _("set at"), _("proposer"), _("approver")),
        rows=[
            (
                row.version, row.approvals_needed, show_code(row.role), _set_at(row), row.proposer or NOTHING,
                row.approver or NOTHING,
            )
            for row in versions
        ],
    )  # fmt: skip


def _set_at(row: ApprovalBand) -> Any:
    """Show "from the start" for the rule that came with the system: nobody set it."""
    return moment(row.effective_at) if row.proposer_id else gettext("from the start")


@decisions.evidence_for(APPROVAL_BAND)
def evidence(proposal: Proposal) -> Evidence:
    """Return what the rule changes: before, after, who could approve then, and what waits and is raised at once."""
    row = band_request(proposal.subject_id)
    before, then = in_force_for(row), needed_with(row)
    text = gettext("If you approve, this applies at once: %(rule)s.") % {"rule": rule_phrase(row)}
    waiting = Proposal.objects.filter(state="open").exclude(pk=proposal.pk)
    if row.kind != EVERY_KIND:
        waiting = waiting.filter(kind=row.kind)
    note = gettext("For open proposals the stricter of both rules counts.")
    return Evidence(
        Box(title=_("What happens"), text=text, note=note),
        [
            (
                _("Approvals needed"), approvals_phrase(before.approvals_needed),
                approvals_phrase(then.approvals_needed),
            ),
            (
                _("Role needed"), roles_phrase(before.roles) if before.roles else NOTHING,
                roles_phrase(then.roles) if then.roles else NOTHING,
            ),
        ],
        [
            (_("Who could approve"), people_phrase(row.kind, then.roles)),
            (_("Open proposals of this kind"), waiting.count()),
        ],
    )  # fmt: skip
