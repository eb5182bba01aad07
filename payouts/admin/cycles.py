"""Cycles and their contributions; people retry or cancel a payout, or propose to reopen its cycle."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payouts.admin.cycle_filters import StatusFilter
from payouts.admin.destinations import PROPOSE_DESTINATION
from payouts.admin.reopening import payout_section, reopened_box, reversed_box, waits_for_reopening
from payouts.calculations import contribution_subject, cycle_subject
from payouts.enums import (
    CYCLE_CANCELLATION,
    CYCLE_DESTINATION,
    CYCLE_REOPENING,
    CYCLE_SHORT_CLOSING,
    WINNER_EXCHANGE,
    ContributionStatus,
    CycleState,
)
from payouts.errors import PayoutMissing
from payouts.exports import status_shown
from payouts.models import Contribution, Cycle, CycleReopening
from payouts.queries.cycles import contributions_page, cycle_facts
from payouts.services.payouts import cancel_payout, retry_payout
from payouts.services.proposals import propose_cancellation, propose_exchange, propose_short_closing
from payouts.services.reopening import propose_reopening
from payouts.types import ContributionFacts
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import show_in, show_msat, show_sats
from sunusav.backoffice.sections import SECTION_LIMIT, Box, Section, Table, link_to_page, link_to_rest
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.models import User
from transfers.collection_queries import collections_for
from transfers.enums import DisbursementState
from transfers.queries import disbursement_for
from transfers.types import CollectionFacts, DisbursementFacts, member_ref

PROPOSED = (
    CYCLE_REOPENING,
    CYCLE_CANCELLATION,
    CYCLE_SHORT_CLOSING,
    WINNER_EXCHANGE,
    CYCLE_DESTINATION,
)


def _payout_of(row: Cycle) -> DisbursementFacts:
    """Return a cycle's payout. Raises: PayoutMissing."""
    payout = disbursement_for(cycle_subject(row.pk))
    if payout is None:
        raise PayoutMissing(payout_id=0)
    return payout


def _retry(decision: Decision) -> None:
    payout = _payout_of(decision.row)
    retry_payout(payout_id=payout.id, user=decision.user, reason=decision.reason, now=decision.now)


def _cancel(decision: Decision) -> None:
    payout = _payout_of(decision.row)
    cancel_payout(payout_id=payout.id, user=decision.user, reason=decision.reason, now=decision.now)


def _has_failed(user: User, row: Any) -> bool:
    payout = row.facts.payout
    return payout is not None and payout.state in (DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW)


def _is_unpaid(user: User, row: Any) -> bool:
    payout = row.facts.payout
    return payout is not None and payout.completed_at is None and payout.state != DisbursementState.CANCELLED


def _propose_reopening(decision: Decision) -> None:
    propose_reopening(
        cycle_id=decision.row.pk, reason=decision.reason, proposer=decision.user, now=decision.now
    )


def _is_reversed(user: User, row: Any) -> bool:
    return waits_for_reopening(row.facts)


RETRY = Action(
    slug="retry-payout",
    label=_("Retry the payout"),
    question=_("The payment is tried again as the same payout. First check how its last attempt ended."),
    done=_("will be tried again"),
    run=_retry,
    permission="payouts.retry_payout",
    form=ReasonAndCodeForm,
    is_offered=_has_failed,
    tone="good",
)
CANCEL = Action(
    slug="cancel-payout",
    label=_("Cancel the payout"),
    question=_("This payout will not be paid, and the cycle becomes ready again."),
    done=_("cancelled"),
    run=_cancel,
    permission="payouts.cancel_payout",
    form=ReasonForm,
    is_offered=_is_unpaid,
    tone="bad",
)


REOPEN = Action(
    slug="reopen",
    label=_("Propose to reopen"),
    question=_(
        "Its payout was reversed and the pot holds the money again. Once approved, it can be paid again. An invoice"
        " that is its destination was paid before: the winner has to give a new one."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_reopening,
    permission="payouts.propose_cycle_reopening",
    form=ReasonAndCodeForm,
    is_offered=_is_reversed,
    proposes=CYCLE_REOPENING,
)


class WinnerForm(ReasonAndCodeForm):
    winner_user_id = forms.CharField(
        label=_("New winner"), max_length=64, strip=True,
        help_text=_("The identifier of a member who contributes to this cycle."),
    )  # fmt: skip
    field_order = ("winner_user_id", "reason", "code")


def _propose_cancellation(decision: Decision) -> None:
    propose_cancellation(
        cycle_id=decision.row.pk, reason=decision.reason, proposer=decision.user, now=decision.now
    )


def _propose_short_closing(decision: Decision) -> None:
    propose_short_closing(
        cycle_id=decision.row.pk, reason=decision.reason, proposer=decision.user, now=decision.now
    )


def _propose_exchange(decision: Decision) -> None:
    propose_exchange(
        cycle_id=decision.row.pk, winner_user_id=decision.form_data["winner_user_id"], reason=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _has_no_payout(user: User, row: Any) -> bool:
    return row.state != CycleState.CANCELLED and row.facts.payout_in_force is None


def _is_collecting(user: User, row: Cycle) -> bool:
    return row.state == CycleState.COLLECTING


PROPOSE_CANCELLATION = Action(
    slug="propose-cancellation",
    label=_("Propose to cancel"),
    question=_(
        "Once another person has approved, what was paid becomes its members' credit. It is never paid out."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_cancellation,
    permission="payouts.propose_cycle_change",
    form=ReasonAndCodeForm,
    is_offered=_has_no_payout,
    proposes=CYCLE_CANCELLATION,
    tone="bad",
)
PROPOSE_SHORT_CLOSING = Action(
    slug="propose-short-closing",
    label=_("Propose to close short"),
    question=_(
        "Once another person has approved, the winner can be paid with what has arrived. Who has not paid has missed"
        " the cycle; what they still pay becomes their credit."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_short_closing,
    permission="payouts.propose_cycle_change",
    form=ReasonAndCodeForm,
    is_offered=_is_collecting,
    proposes=CYCLE_SHORT_CLOSING,
)
PROPOSE_EXCHANGE = Action(
    slug="propose-exchange",
    label=_("Propose another winner"),
    question=_(
        "Once another person has approved, the destination is cleared and a withdrawal link closed; the new winner has"
        " to give a destination."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_exchange,
    permission="payouts.propose_cycle_change",
    form=WinnerForm,
    is_offered=_has_no_payout,
    proposes=WINNER_EXCHANGE,
)


@admin.register(CycleReopening)
class CycleReopeningAdmin(ReadOnlyAdmin):
    list_display = ("id", "cycle", "payout", "proposer", "approver", "reopened_at")
    list_select_related = ("cycle", "payout", "proposal", "proposer", "approver")
    fields = ("cycle", "payout", "reason_shown", "proposal", "proposer", "approver", "reopened_at")
    search_fields = ("cycle__id",)
    search_help_text = _("The exact identifier of the cycle.")
    ordering = ("-id",)
    links = ("cycle", "payout", "proposal")

    def name_of(self, row: Any) -> str:
        return gettext("%(cycle)s, after payment #%(number)s") % {
            "cycle": row.cycle_id, "number": row.payout_id,
        }  # fmt: skip

    @admin.display(description=_("reason"))
    def reason_shown(self, row: CycleReopening) -> str:
        return row.proposal.reason


@admin.register(Cycle)
class CycleAdmin(ReadOnlyAdmin):
    list_display = ("id", "group", "cycle_index", "status", "pot", "winner_user_id", "created_at", "ready_at")
    fields = (
        "group", "cycle_index", "status", "settled", "contribution_sats", "pot", "winner_user_id",
        "winner_replaced_at",
        "destination_rail", "destination_kind", "destination_masked", "destination_set_at", "destination_replaced_at",
        "second_rail", "second_kind", "second_masked", "second_replaced_at", "created_at", "ready_at", "cancelled_at",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "destination_rail", "destination_kind", "destination_masked", "destination_set_at", "destination_replaced_at",
        "second_rail", "second_kind", "second_masked", "second_replaced_at", "ready_at", "cancelled_at",
        "winner_replaced_at",
    )  # fmt: skip
    list_filter = (StatusFilter, "created_at")
    list_select_related = ("group",)
    search_fields = ("id", "group__id", "winner_user_id")
    search_help_text = _("The exact identifier of the cycle, its group or its winner.")
    ordering = ("-created_at", "-id")
    links = ("group", "state")
    actions_offered = (
        RETRY, CANCEL, REOPEN, PROPOSE_DESTINATION, PROPOSE_SHORT_CLOSING, PROPOSE_EXCHANGE, PROPOSE_CANCELLATION,
    )  # fmt: skip
    card_fields = (
        "group", "status", "pot", "winner_user_id", "destination_rail", "destination_kind", "destination_masked",
    )  # fmt: skip

    def name_of(self, row: Any) -> str:
        return f"{row.pk}, {show_sats(row.payout_total_sats)}"

    def prepare(self, rows: Sequence[Any]) -> None:
        for row, facts in zip(rows, cycle_facts(rows), strict=True):
            row.facts = facts
            row.destination_masked = facts.destination.masked_value if facts.destination else ""
            row.second_masked = facts.second_choice.masked_value if facts.second_choice else ""

    @admin.display(description=_("state"))
    def status(self, cycle: Any) -> str:
        return show_choice(status_shown(cycle.facts))

    @admin.display(description=_("destination"))
    def destination_masked(self, cycle: Any) -> str:
        return str(cycle.destination_masked)

    @admin.display(description=_("second choice"))
    def second_masked(self, cycle: Any) -> str:
        return str(cycle.second_masked)

    @admin.display(description=_("pot"))
    def pot(self, cycle: Cycle) -> str:
        return show_sats(cycle.payout_total_sats)

    @admin.display(description=_("contributions settled"))
    def settled(self, cycle: Any) -> str:
        settled, due = cycle.facts.contributions_settled, cycle.members_count
        if cycle.facts.is_short:
            return gettext("short: %(settled)s of %(due)s") % {"settled": settled, "due": due}
        return f"{settled} / {due}"

    def masked_person(self, row: Any) -> str:
        return member_ref(row.winner_user_id)

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        payout = row.facts.payout
        if payout is None or payout.state != DisbursementState.REVERSED:
            return None
        return reopened_box(row, payout) if row.facts.is_reopened else reversed_box(row)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (
            payout_section(row.facts.payout),
            _contributions(row),
            timeline_of([cycle_subject(row.pk), *(f"{kind}:{row.pk}" for kind in PROPOSED)]),
        )


def _contributions(row: Cycle) -> Section:
    owed = contributions_page(None, SECTION_LIMIT, cycle_id=row.pk)
    collections = collections_for([contribution_subject(contribution.id) for contribution in owed])
    return Table(
        title=_("Contributions"),
        heads=(_("member"), _("amount"), _("state"), _("credit used"), _("received"), _("payment")),
        rows=[
            _contribution_row(item, collections.get(contribution_subject(item.id)))
            for item in sorted(owed, key=lambda item: item.user_id)
        ],
        empty=_("This cycle has no contributions."),
        more=link_to_rest("payouts.contribution", len(owed), cycle__id__exact=row.pk),
    )


def _contribution_row(row: ContributionFacts, collection: CollectionFacts | None) -> Sequence[Any]:
    state = (
        gettext("not requested yet") if row.status == ContributionStatus.PENDING else show_choice(row.status)
    )
    shown = (row.user_id, show_sats(row.amount_sats), state, show_sats(row.credit_used_sats))
    if collection is None:
        return (*shown, show_msat(0), "")
    link = link_to_page("transfers.collection", collection.id, numbered(collection.id))
    return (*shown, show_in(collection.received.currency, collection.received.amount), link)


@admin.register(Contribution)
class ContributionAdmin(ReadOnlyAdmin):
    list_display = ("id", "cycle", "user_id", "amount_sats")
    fields = ("cycle", "user_id", "amount_sats")
    list_select_related = ("cycle",)
    search_fields = ("cycle__id", "user_id")
    search_help_text = _("The exact identifier of the cycle or of the member.")
    ordering = ("-id",)
    links = ("cycle",)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([contribution_subject(row.pk)]),)
