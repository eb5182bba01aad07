"""Differences from statements: a person of finance owns each, and two people resolve what nothing explains."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin, person_of
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import day, moment, mono, numbered, show_code
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forms import ConfirmForm, ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import NOTHING, show_in, show_xof
from sunusav.backoffice.next_steps import age
from sunusav.backoffice.sections import Box, Facts, Section, Table, link_to, show_subject
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.models import Proposal, User
from sunusav.core.phrasing import labelled
from sunusav.core.standing import deciders
from transfers.admin.statements import show_source, source_filter
from transfers.models import ItemResolution, StatementItem, StatementLine
from transfers.statement_enums import STATEMENT_ITEM, ItemReason, ItemState
from transfers.statements.items import (
    ASSIGN,
    comment_item,
    difference_of,
    give_item,
    propose_resolution,
    resolution_of,
    take_item,
)
from transfers.statements.matching import expected_of, subject_of
from transfers.statements.queries import item_of, open_items

MINE, NOBODYS = "mine", "nobody"
NOTHING_IS_BOOKED = _(
    "The difference is closed, and its lines are not matched again. Nothing is booked: a correction is booked by itself"
    " before."
)
LOOK_IT_UP = _("Look the lines up yourself, in the partner's statement and in the books.")
# What a person does about a difference, by its kind.
WHAT_TO_DO = {
    "statement_mismatched": _(
        "Ask the partner which amount is right. If ours is wrong, book the difference."
    ),
    "statement_missing": _("Look whether a later statement has it; if not, ask the partner."),
    "statement_unexpected": _("Find out what it is. If money moved, book it as a movement of the treasury."),
}


def _is_open(user: User, row: Any) -> bool:
    return bool(row.state == ItemState.OPEN)


def _may_take(user: User, row: Any) -> bool:
    return _is_open(user, row) and row.owner_id != user.pk


def _take(decision: Decision) -> None:
    take_item(item_id=decision.row.pk, taker=decision.user, now=decision.now)


TAKE = Action(
    slug="take",
    label=_("Take"),
    question=_("You are its owner from now on."),
    done=_("yours"),
    run=_take,
    permission=ASSIGN,
    is_offered=_may_take,
)


def _people() -> list[tuple[str, str]]:
    names = deciders(ASSIGN, ()).order_by("username").values_list("username", flat=True)
    return [(name, name) for name in names]


class GiveForm(ReasonForm):
    """To whom a difference is given, and why."""

    owner = forms.ChoiceField(label=_("Owner"), choices=_people)
    field_order = ("owner",)


def _give(decision: Decision) -> None:
    give_item(
        item_id=decision.row.pk, owner=decision.form_data["owner"], giver=decision.user, reason=decision.reason,
        now=decision.now,
    )  # fmt: skip


GIVE = Action(
    slug="give",
    label=_("Give to"),
    question=_("Another person is its owner from now on."),
    done=_("given"),
    run=_give,
    permission=ASSIGN,
    form=GiveForm,
    is_offered=_is_open,
)


class CommentForm(ConfirmForm):
    """What a person found out."""

    reason = forms.CharField(
        label=_("Comment"), max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It is kept in the trail, under your name."),
    )  # fmt: skip


def _comment(decision: Decision) -> None:
    comment_item(item_id=decision.row.pk, author=decision.user, text=decision.reason, now=decision.now)


COMMENT = Action(
    slug="comment",
    label=_("Comment"),
    question=_("The comment stands in the timeline."),
    done=_("kept"),
    run=_comment,
    permission=ASSIGN,
    form=CommentForm,
)


class ResolutionForm(ReasonAndCodeForm):
    """How a difference is to be closed."""

    reason_code = forms.ChoiceField(
        label=_("Why it is closed"), choices=lambda: [(one, show_code(one)) for one in ItemReason.values]
    )
    movement = forms.IntegerField(
        label=_("Number of the movement"), min_value=1, max_value=10**18 - 1, required=False,
        help_text=_("Of the movement of the treasury that corrected it, if it was booked."),
    )  # fmt: skip
    field_order = ("reason_code", "movement", "reason", "code")


def _propose(decision: Decision) -> None:
    form = decision.form_data
    propose_resolution(
        item_id=decision.row.pk, reason_code=form["reason_code"], movement_id=form["movement"],
        explanation=decision.reason, proposer=decision.user, now=decision.now,
    )  # fmt: skip


PROPOSE_RESOLUTION = Action(
    slug="propose-resolution",
    label=_("Propose a resolution"),
    question=_("The difference is closed once another person has approved it. Nothing is booked."),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="transfers.propose_statement_item",
    form=ResolutionForm,
    is_offered=_is_open,
    proposes=STATEMENT_ITEM,
    tone="good",
    prefilled=("reason_code", "movement"),
    is_about_one_row=True,
)


class OwnerFilter(FewRows):
    """Keep the open differences of the reader, or those of nobody."""

    title = _("owner")
    parameter_name = "owned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(MINE, _("me")), (NOBODYS, _("nobody"))]

    def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
        rows = open_items()
        return rows.filter(owner=person_of(request)) if value == MINE else rows.filter(owner=None)


@admin.register(StatementItem)
class StatementItemAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "source_shown", "code", "reference_shown", "expected_xof", "found_xof", "at_stake_xof", "owner",
        "opened_at", "age_shown", "state",
    )  # fmt: skip
    list_filter = ("state", source_filter(), "code", OwnerFilter, "opened_at")
    list_select_related = ("owner",)
    search_fields = ("reference",)
    search_help_text = _("The exact reference.")
    fields = (
        "source_shown", "code", "state", "reference_shown", "subject", "expected_xof", "found_xof", "at_stake_xof",
        "owner", "opened_at", "age_shown", "closed_at",
    )  # fmt: skip
    fields_hidden_when_empty = ("subject", "owner", "closed_at")
    ordering = ("-id",)
    actions_offered = (TAKE, GIVE, COMMENT, PROPOSE_RESOLUTION)
    card_fields = ("source_shown", "code", "reference_shown", "expected_xof", "found_xof", "owner")

    @admin.display(description=_("source"), ordering="source")
    def source_shown(self, row: StatementItem) -> str:
        return show_source(row.source)

    @admin.display(description=_("reference"), ordering="reference")
    def reference_shown(self, row: StatementItem) -> Any:
        return mono(row.reference)

    @admin.display(description=_("age"))
    def age_shown(self, row: StatementItem) -> str:
        now = row.closed_at or clock.now()
        return age(now - row.opened_at, now)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {labelled(show_source(row.source), show_code(row.code))}"

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        if row.state != ItemState.OPEN:
            return None
        text = gettext("Expected %(expected)s, found %(found)s.") % {
            "expected": show_xof(row.expected_xof), "found": show_xof(row.found_xof),
        }  # fmt: skip
        return Box(title=show_code(row.code), text=text, steps=(WHAT_TO_DO[row.code],))

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        found = [_lines_of(row), _expected_by(row), _resolutions_of(row)]
        return (*(table for table in found if table.rows), timeline_of([subject_of(row.pk)]))


def _lines_of(row: StatementItem) -> Table:
    lines = StatementLine.objects.filter(pk__in=row.lines).select_related("statement").order_by("pk")
    return Table(
        title=_("In statements"),
        heads=(_("line"), _("happened at"), _("reference"), _("amount"), _("text")),
        rows=[
            (
                link_to(one, numbered(one.pk)), moment(one.happened_at), one.reference, show_xof(one.amount_xof),
                one.text,
            )
            for one in lines
        ],
        anchor="lines",
    )  # fmt: skip


def _expected_by(row: StatementItem) -> Table:
    return Table(
        title=_("Expected"),
        heads=(_("what"), _("day"), _("amount")),
        rows=[
            (show_subject(one.subject), day(one.happened_on.isoformat()), show_xof(one.amount_xof))
            for one in expected_of(row)
        ],
        anchor="expected",
    )


def _resolutions_of(row: StatementItem) -> Table:
    rows = row.resolutions.select_related("proposer", "movement").order_by("pk")
    return Table(
        title=_("Proposed resolutions"),
        heads=(_("why it is closed"), _("movement"), _("explanation"), _("proposer"), _("proposed at")),
        rows=[
            (
                show_code(one.reason_code), _movement(one), one.explanation, one.proposer.get_username(),
                moment(one.proposed_at),
            )
            for one in rows
        ],
        anchor="resolutions",
    )  # fmt: skip


def _movement(row: ItemResolution) -> Any:
    return link_to(row.movement, numbered(row.movement.pk)) if row.movement else NOTHING


# What an approver reads


@evidence_for(STATEMENT_ITEM)
def resolution_evidence(proposal: Proposal) -> Evidence:
    """Show the difference with its lines, why it is to be closed, and the movement that corrected it."""
    item = item_of(proposal.subject_id)
    row = resolution_of(item)
    return Evidence(
        Box(IF_APPROVED, NOTHING_IS_BOOKED, steps=[LOOK_IT_UP]),
        [(_("Difference"), show_code(item.state), show_code(ItemState.RESOLVED.value))],
        [
            (_("Expected"), show_xof(item.expected_xof)), (_("Found"), show_xof(item.found_xof)),
            (_("Difference"), show_xof(difference_of(item))),
        ],
        figures=(_why(row), *(table for table in (_lines_of(item), _expected_by(item)) if table.rows)),
    )  # fmt: skip


def _why(row: ItemResolution) -> Facts:
    facts = [(_("Why it is closed"), show_code(row.reason_code)), (_("Explanation"), row.explanation)]
    movement = row.movement
    if movement is not None:
        facts += [
            (_("Movement of the treasury"), _movement(row)), (_("Kind"), show_code(movement.kind)),
            (_("Amount"), show_in(movement.account_currency, movement.amount)),
            (_("Its reference"), movement.reference),
        ]  # fmt: skip
    return Facts(_("Resolution"), facts, anchor="resolution")
