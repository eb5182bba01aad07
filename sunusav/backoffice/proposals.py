"""Proposals, and approving, rejecting or withdrawing them."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice import decisions
from sunusav.backoffice.actions import Action, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin, person_of
from sunusav.backoffice.facts import moment, readable, short
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forms import CodeForm, ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.rule_phrases import progress_phrase
from sunusav.backoffice.sections import Box, Facts, Section, Table, page_of_proposal
from sunusav.backoffice.timeline import subjects_of, timeline_of
from sunusav.core import clock
from sunusav.core.approvals import approve, record_outcome_seen, reject, withdraw
from sunusav.core.models import Approval, Proposal, ProposalState
from sunusav.core.phrasing import proposal_label


def _approve(decision: Decision) -> None:
    approve(proposal_id=decision.row.pk, approver=decision.user, digest=decision.seen, now=decision.now)


def _approved(decision: Decision) -> Any:
    """Say whether the approval carried the proposal out, or how many more are needed."""
    proposal = Proposal.objects.get(pk=decision.row.pk)
    if proposal.state == ProposalState.APPROVED:
        return APPROVE.done
    return gettext("your approval is kept; %(progress)s") % {
        "progress": progress_phrase(proposal, now=decision.now)
    }


def _reject(decision: Decision) -> None:
    reject(proposal_id=decision.row.pk, approver=decision.user, reason=decision.reason, now=decision.now)


def _withdraw(decision: Decision) -> None:
    withdraw(proposal_id=decision.row.pk, proposer=decision.user, now=decision.now)


def _digest(proposal: Proposal) -> str:
    return proposal.digest


APPROVE = Action(
    slug="approve",
    label=_("Approve"),
    question=_(
        "You approve exactly what is shown here. If it has changed in the meantime, nothing is approved."
    ),
    done=_("approved"),
    done_now=_approved,
    run=_approve,
    permission=decisions.approve_permission,
    form=CodeForm,
    is_offered=decisions.may_decide,
    seen=_digest,
    tone="good",
)
REJECT = Action(
    slug="reject",
    label=_("Reject"),
    question=_("The proposer reads your reason."),
    done=_("rejected"),
    run=_reject,
    permission=decisions.approve_permission,
    form=ReasonAndCodeForm,
    is_offered=decisions.may_decide,
    tone="bad",
)
WITHDRAW = Action(
    slug="withdraw",
    label=_("Withdraw"),
    question=_("You withdraw your own proposal; it can be proposed again."),
    done=_("withdrawn"),
    run=_withdraw,
    permission="core.view_proposal",
    form=CodeForm,
    is_offered=decisions.may_withdraw,
)


class WaitsForMe(FewRows):
    """Open proposals that the logged-in person may decide on."""

    title = _("waiting")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("Waiting for me"))]

    def found(self, request: HttpRequest, value: str) -> QuerySet[Proposal]:
        return decisions.waiting_for(person_of(request))


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    list_display = ("what", "about", "state", "proposer", "proposed_at", "reason", "decided_at")
    list_filter = (WaitsForMe, "state", "proposed_at")
    list_select_related = ("proposer",)
    search_fields = ("subject_id", "kind")
    search_help_text = _("The exact identifier of the subject, or the kind.")
    ordering = ("-id",)
    fields = (
        "what", "about", "state", "approvals_shown", "proposer", "proposed_at", "reason", "digest_shown", "decided_at",
    )  # fmt: skip
    actions_offered = (APPROVE, REJECT, WITHDRAW)
    fields_hidden_when_empty = ("decided_at",)
    links = ("proposer",)
    card_fields = ("approvals_shown", "proposer", "proposed_at", "reason", "digest_shown")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a proposal; its proposer who opens it has seen its outcome."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == HTTPStatus.OK and object_id.isdecimal():
            record_outcome_seen(proposal_id=int(object_id), reader=person_of(request), now=clock.now())
        return response

    @admin.display(description=_("what"), ordering="kind")
    def what(self, proposal: Proposal) -> str:
        return proposal_label(proposal.kind)

    @admin.display(description=_("about"), ordering="subject_id")
    def about(self, proposal: Proposal) -> Any:
        page = page_of_proposal(proposal.kind, proposal.subject_id)
        name = decisions.subject_name(proposal)
        return format_html('<a href="{}">{}</a>', page, name) if page else name

    @admin.display(description=_("approvals"))
    def approvals_shown(self, proposal: Proposal) -> str:
        return progress_phrase(proposal, now=clock.now())

    @admin.display(description=_("digest"))
    def digest_shown(self, proposal: Proposal) -> Any:
        return short(proposal.digest)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {proposal_label(row.kind)} ({decisions.subject_name(row)})"

    def card(self, action: Action, row: Any) -> Card:
        """Show the consequences first, then who proposed it, the proposed facts and their digest."""
        card, (consequences, _evidence) = super().card(action, row), decisions.evidence_of(row)
        first = [(consequences.title, consequences.text)] if consequences and action is APPROVE else []
        *proposed, digest = card.facts
        return replace(card, facts=[*first, *proposed, *readable(row.facts), digest])

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        return decisions.evidence_of(row)[0]

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (
            Facts(_("What is proposed"), readable(row.facts)),
            *decisions.evidence_of(row)[1],
            _decisions_on(row),
            timeline_of(subjects_of(row)),
        )


def _decisions_on(proposal: Proposal) -> Table:
    given = proposal.approvals.select_related("approver").order_by("pk")
    return Table(
        title=_("Decisions"),
        heads=(_("when"), _("who"), _("decision"), _("why")),
        rows=[
            (moment(row.decided_at), row.approver.get_username(), _verdict(row), row.reason or NOTHING)
            for row in given
        ],
        empty=_("No decisions yet."),
    )


def _verdict(approval: Approval) -> Any:
    return _("approved") if approval.is_approved else _("rejected")


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "proposal", "proposer", "approver", "is_approved", "reason")
    list_filter = ("is_approved", "decided_at")
    list_select_related = ("proposal", "proposer", "approver")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk}"
