"""Proposals, and approving, rejecting or withdrawing them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice import decisions
from sunusav.backoffice.actions import Action, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin, person_of
from sunusav.backoffice.facts import label_of, moment, numbered, readable, short, value_of
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forms import CodeForm, ConfirmForm, ReasonAndCodeForm, with_typed_figure
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.rule_phrases import progress_phrase
from sunusav.backoffice.sections import Box, Facts, Section, Table, page_of_proposal
from sunusav.backoffice.timeline import subjects_of, timeline_of
from sunusav.core import clock
from sunusav.core.approvals import (
    Staleness,
    approve,
    propose,
    record_outcome_seen,
    reject,
    staleness_of,
    withdraw,
)
from sunusav.core.models import Approval, Proposal, ProposalState
from sunusav.core.phrasing import proposal_label, with_unit


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


def _propose_again(decision: Decision) -> None:
    propose(
        kind=decision.row.kind, subject_id=decision.row.subject_id, proposer=decision.user, reason=decision.reason,
        now=decision.now,
    )  # fmt: skip


def _approve_form(proposal: Proposal) -> type[ConfirmForm]:
    """Ask for a figure as well where the evidence names one."""
    evidence = decisions.evidence_of(proposal)
    return with_typed_figure(CodeForm, evidence.typed if evidence else None)


def _needs_typing(proposal: Proposal) -> bool:
    evidence = decisions.evidence_of(proposal)
    return evidence is not None and evidence.typed is not None


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
    form_for=_approve_form,
    is_offered=decisions.may_approve,
    why_not=decisions.why_not_decide,
    is_listed=decisions.may_decide,
    is_confirmed_alone=_needs_typing,
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
    why_not=decisions.why_not_decide,
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
PROPOSE_AGAIN = Action(
    slug="propose-again",
    label=_("Propose again"),
    question=_("The void proposal lapses, and another person decides on the facts as they are now."),
    done=_("proposed; another person has to approve"),
    run=_propose_again,
    permission=decisions.propose_permission,
    form=ReasonAndCodeForm,
    is_offered=decisions.may_propose_again,
    is_about_one_row=True,
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
    actions_offered = (APPROVE, REJECT, PROPOSE_AGAIN, WITHDRAW)
    fields_hidden_when_empty = ("decided_at",)
    links = ("proposer",)
    card_fields = ("approvals_shown", "proposer", "proposed_at", "reason", "digest_shown")

    def prepare(self, rows: Sequence[Any]) -> None:
        prefetch_related_objects(rows, "approvals")

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
        return f"{numbered(row.pk)} {proposal_label(row.kind)} ({decisions.subject_name(row)})"

    def card(self, action: Action, row: Any) -> Card:
        """Show what happens and the facts that decide first, then who proposed it, and the proposed facts."""
        card, evidence = super().card(action, row), decisions.evidence_of(row)
        if evidence is None or action is WITHDRAW:
            return replace(card, facts=[*card.facts, *readable(row.facts)], sections=_void(row))
        first = [(evidence.box.title, evidence.box.text)] if action is APPROVE else []
        return replace(card, facts=[*first, *card.facts], sections=evidence.decisive)

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        """Show what happens if it is approved, or that it is void, and why this person cannot decide on it."""
        evidence = decisions.evidence_of(row)
        box = evidence.box if evidence else _void_box(row)
        why_not = decisions.why_not_decide(person_of(request), row)
        return replace(box, steps=[*box.steps, why_not]) if box and why_not else box

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        evidence = decisions.evidence_of(row)
        return (
            *(evidence.decisive if evidence else _void(row)),
            Facts(_("What is proposed"), readable(row.facts)),
            *(evidence.more if evidence else ()),
            _decisions_on(row),
            timeline_of(subjects_of(row)),
        )


VOID = _("This proposal is void")
FACTS_DIFFER = _("What it is about has changed since it was proposed, so nobody can approve it.")
MAY_PROPOSE_AGAIN = _("If it is still wanted, propose it again: the next person decides on the facts of now.")
NOTHING_TO_PROPOSE = _("It cannot be proposed again. Withdraw it, or reject it with this as the reason.")


def _staleness(proposal: Proposal) -> Staleness | None:
    return staleness_of(proposal) if proposal.state == ProposalState.OPEN else None


def _void_box(proposal: Proposal) -> Box | None:
    """Say that an open proposal is void, why, and what to do."""
    stale = _staleness(proposal)
    if stale is None:
        return None
    if stale.refusal is not None:
        refusal = show_refusal(stale.refusal)
        return Box(VOID, f"{FACTS_DIFFER} {refusal.text}", steps=[NOTHING_TO_PROPOSE], tone="alarm")
    return Box(VOID, FACTS_DIFFER, steps=[MAY_PROPOSE_AGAIN], tone="alarm")


def _void(proposal: Proposal) -> Sequence[Section]:
    """Show which facts of a void proposal differ: as proposed, and now."""
    stale = _staleness(proposal)
    if stale is None or stale.refusal is not None:
        return ()
    then, now = proposal.facts, stale.facts_now
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    rows = [(label_of(name), _shown(name, then), _shown(name, now)) for name in names]
    heads = (_("what"), _("as proposed"), pgettext_lazy("fact", "now"))
    return (Table(_("What has changed"), heads, rows, anchor="changed", stacks=True),)


def _shown(name: str, facts: Mapping[str, Any]) -> Any:
    return value_of(with_unit(name, facts), facts.get(name))


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
        return numbered(row.pk)
