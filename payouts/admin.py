"""Tontines in the admin, read-only, with actions: propose a verification, retry or cancel a cycle's payout."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fees.queries import verified_groups
from ledger.queries import owed
from ledger.types import Movement
from payouts.calculations import contribution_subject, cycle_subject, pot_of
from payouts.enums import (
    CYCLE_REOPENING,
    GROUP_VERIFICATION,
    GROUP_VERIFICATION_REVOCATION,
    CycleStatus,
)
from payouts.errors import PayoutMissing
from payouts.models import Contribution, Cycle, CycleReopening, Group, Member
from payouts.queries.cycles import cycle_facts, is_reopened, stored_cycle
from payouts.queries.groups import masked_name, masked_phone
from payouts.services.groups import propose_verification, propose_verification_revocation
from payouts.services.payouts import cancel_payout, retry_payout
from payouts.services.reopening import propose_reopening
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin, ReadOnlyInline
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.facts import instant, long, moment, show_code_or_text
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import NOTHING, show_in, show_msat, show_sats
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import (
    Box,
    Facts,
    Section,
    Table,
    link_to,
    link_to_page,
    show_subject,
    trail_of,
)
from sunusav.core import clock
from sunusav.core.approvals import open_proposal
from sunusav.core.models import Proposal, User
from transfers.collection_queries import collections_for
from transfers.credit_queries import credit_movements, credit_msat
from transfers.enums import DisbursementState
from transfers.queries import disbursement_for
from transfers.types import CollectionFacts, DisbursementFacts

MOVEMENTS_SHOWN = 50


def _propose(decision: Decision) -> None:
    propose_verification(
        group_id=decision.row.pk, proposer=decision.user, reason=decision.reason, now=decision.now
    )


def _propose_revocation(decision: Decision) -> None:
    propose_verification_revocation(
        group_id=decision.row.pk, proposer=decision.user, reason=decision.reason, now=decision.now
    )


def _is_unverified(user: User, row: Any) -> bool:
    return not row.is_verified


def _is_verified(user: User, row: Any) -> bool:
    return bool(row.is_verified)


PROPOSE_VERIFICATION = Action(
    slug="propose-verification",
    label=_("Propose verification"),
    question=_("Once another person has approved, the group pays lower fees."),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="payouts.propose_group_verification",
    form=ReasonAndCodeForm,
    is_offered=_is_unverified,
    tone="good",
)
PROPOSE_REVOCATION = Action(
    slug="propose-revocation",
    label=_("Propose to revoke the verification"),
    question=_("Once another person has approved, the group pays the full fees again."),
    done=_("proposed; another person has to approve"),
    run=_propose_revocation,
    permission="payouts.propose_group_verification",
    form=ReasonAndCodeForm,
    is_offered=_is_verified,
    tone="bad",
)


class MemberInline(ReadOnlyInline):
    model = Member
    fields = ("user_id", "name_masked", "phone_masked", "added_at")
    ordering = ("user_id",)

    @admin.display(description=_("name"))
    def name_masked(self, member: Member) -> str:
        return masked_name(member)

    @admin.display(description=_("phone"))
    def phone_masked(self, member: Member) -> str:
        return masked_phone(member)


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "country", "settlement_partner", "verified", "created_at")
    fields = (
        "id", "name", "country", "settlement_partner", "verified", "skip_non_working_days", "created_at",
    )  # fmt: skip
    list_filter = ("country", "settlement_partner")
    list_select_related = ("settlement_partner",)
    search_fields = ("id", "name")
    search_help_text = _("The exact identifier or name.")
    ordering = ("id",)
    inlines = [MemberInline]
    actions_offered = (PROPOSE_VERIFICATION, PROPOSE_REVOCATION)
    card_fields = ("id", "name", "country", "settlement_partner", "verified")

    def prepare(self, rows: Sequence[Any]) -> None:
        verified = verified_groups([row.pk for row in rows], clock.now())
        for row in rows:
            row.is_verified = row.pk in verified

    @admin.display(description=_("verified"), boolean=True)
    def verified(self, group: Any) -> bool:
        return bool(group.is_verified)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        names = ("group", GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION)
        return (trail_of([f"{name}:{row.pk}" for name in names] + [f"discount:group:{row.pk}"]),)


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


def _has_failed(user: User, row: Cycle) -> bool:
    payout = disbursement_for(cycle_subject(row.pk))
    return payout is not None and payout.state in (DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW)


def _is_unpaid(user: User, row: Cycle) -> bool:
    payout = disbursement_for(cycle_subject(row.pk))
    return payout is not None and payout.completed_at is None and payout.state != DisbursementState.CANCELLED


def _propose_reopening(decision: Decision) -> None:
    propose_reopening(
        cycle_id=decision.row.pk, reason=decision.reason, proposer=decision.user, now=decision.now
    )


def _is_reversed(user: User, row: Cycle) -> bool:
    payout = disbursement_for(cycle_subject(row.pk))
    return _waits_for_reopening(payout) and open_proposal(CYCLE_REOPENING, row.pk) is None


def _waits_for_reopening(payout: DisbursementFacts | None) -> bool:
    return payout is not None and payout.state == DisbursementState.REVERSED and not is_reopened(payout)


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
)


INVOICE = "bolt11"
REOPENING_FOLLOWS = _(
    "Cycle %(cycle)s is ready again, and its payout of %(payout)s to %(winner)s can be ordered once more. The pot holds"
    " %(pot)s."
)
NEW_INVOICE = _("Its destination is an invoice that was paid before: have the winner give a new one.")
REVERSED_TITLE = _("The payout was reversed")
REVERSED = _("Its money came back, and the pot holds %(pot)s. Nothing goes on by itself.")
REOPEN_STEP = _(
    "Propose to reopen the cycle. Once a second person has approved, the winner can be paid again."
)
REOPENING_PROPOSED = _("%(who)s has proposed to reopen the cycle. A second person decides on it:")
REOPENED_TITLE = _("The cycle was reopened")
REOPENED = _("It is paid once the payout is ordered again.")


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


@evidence_for(CYCLE_REOPENING)
def reopening_evidence(proposal: Proposal) -> tuple[Box, Sequence[Section]]:
    """Show what a reopened cycle may pay, from what, and where it would go now."""
    row, facts = stored_cycle(proposal.subject_id), proposal.facts
    says = REOPENING_FOLLOWS % {
        "cycle": row.pk, "winner": row.winner_user_id, "payout": show_sats(facts["payout_total_sats"]),
        "pot": show_msat(facts["pot_msat"]),
    }  # fmt: skip
    now = Facts(
        _("The cycle"),
        (
            (_("Cycle"), show_subject(cycle_subject(row.pk))),
            (_("Winner"), row.winner_user_id),
            (_("Destination"), long(row.destination_value) if row.destination_value else NOTHING),
            (_("Destination set"), moment(row.destination_set_at)),
        ),
    )
    steps = (NEW_INVOICE,) if row.destination_kind == INVOICE else ()
    return Box(title=_("If you approve"), text=says, steps=steps), (now, _payout_section(row))


@admin.register(Cycle)
class CycleAdmin(ReadOnlyAdmin):
    list_display = ("id", "group", "cycle_index", "status", "pot", "winner_user_id", "created_at", "ready_at")
    fields = (
        "group", "cycle_index", "status", "settled", "contribution_sats", "pot", "winner_user_id",
        "destination_rail", "destination_kind", "destination_value", "destination_set_at", "destination_replaced_at",
        "second_rail", "second_kind", "second_value", "second_replaced_at", "created_at", "ready_at",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "destination_rail", "destination_kind", "destination_value", "destination_set_at", "destination_replaced_at",
        "second_rail", "second_kind", "second_value", "second_replaced_at", "ready_at",
    )  # fmt: skip
    list_filter = ("state", "created_at")
    list_select_related = ("group",)
    search_fields = ("id", "group__id", "winner_user_id")
    search_help_text = _("The exact identifier of the cycle, its group or its winner.")
    ordering = ("-created_at", "id")
    links = ("group",)
    actions_offered = (RETRY, CANCEL, REOPEN)
    card_fields = (
        "group", "status", "pot", "winner_user_id", "destination_rail", "destination_kind", "destination_value",
    )  # fmt: skip

    def name_of(self, row: Any) -> str:
        return f"{row.pk}, {show_sats(row.payout_total_sats)}"

    def prepare(self, rows: Sequence[Any]) -> None:
        for row, facts in zip(rows, cycle_facts(rows), strict=True):
            row.facts = facts

    @admin.display(description=_("state"))
    def status(self, cycle: Any) -> str:
        """Show a cycle whose payout was reversed as such: what failed has a reason."""
        failure, is_failed = cycle.facts.payout_failure, cycle.facts.status == CycleStatus.FAILED
        is_reversed = is_failed and failure is not None and not failure.code
        return show_choice(DisbursementState.REVERSED if is_reversed else cycle.facts.status)

    @admin.display(description=_("pot"))
    def pot(self, cycle: Cycle) -> str:
        return show_sats(cycle.payout_total_sats)

    @admin.display(description=_("contributions settled"))
    def settled(self, cycle: Any) -> str:
        return f"{cycle.facts.contributions_settled} / {cycle.members_count}"

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        payout = disbursement_for(cycle_subject(row.pk))
        if payout is None or payout.state != DisbursementState.REVERSED:
            return None
        return _reopened_box(row, payout) if is_reopened(payout) else _reversed_box(row)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (
            _payout_section(row),
            _contributions(row),
            trail_of([cycle_subject(row.pk), f"{CYCLE_REOPENING}:{row.pk}"]),
        )


def _reversed_box(row: Cycle) -> Box:
    waiting = open_proposal(CYCLE_REOPENING, row.pk)
    step: Any = REOPEN_STEP
    if waiting is not None:
        text = REOPENING_PROPOSED % {"who": waiting.proposer.get_username()}
        step = format_html("{} {}", text, link_to(waiting, f"#{waiting.pk}"))
    says = REVERSED % {"pot": show_msat(owed(pot_of(row.pk)))}
    return Box(title=REVERSED_TITLE, text=says, steps=(step,))


def _reopened_box(row: Cycle, payout: DisbursementFacts) -> Box:
    """Return what a reopened cycle waits for: an invoice that was paid is no destination any more."""
    reopened = row.reopenings.get(payout_id=payout.id)
    is_old = row.destination_set_at is not None and row.destination_set_at < reopened.reopened_at
    steps = (NEW_INVOICE,) if is_old and row.destination_kind == INVOICE else ()
    return Box(title=REOPENED_TITLE, text=REOPENED, steps=steps, tone="attention" if steps else "calm")


def _payout_section(row: Cycle) -> Section:
    payout = disbursement_for(cycle_subject(row.pk))
    if payout is None:
        return Table(_("Payout"), (), (), _("No payout has been requested yet."))
    facts = [
        (_("Payment"), link_to_page("transfers.disbursement", payout.id, f"#{payout.id}")),
        (_("State"), show_choice(payout.state)),
        (_("Fee"), show_sats(payout.fee_sats)),
        (_("Net"), show_sats(payout.net_sats)),
    ]
    if payout.failure.code:
        facts.append((_("Failure"), show_reason(payout.failure.code, payout.failure.facts)))
    return Facts(_("Payout"), facts)


def _contributions(row: Cycle) -> Section:
    owed = list(row.contributions.order_by("user_id"))
    collections = collections_for([contribution_subject(contribution.pk) for contribution in owed])
    return Table(
        title=_("Contributions"),
        heads=(_("member"), _("amount"), _("state"), _("received"), _("payment")),
        rows=[_contribution_row(item, collections.get(contribution_subject(item.pk))) for item in owed],
        empty=_("This cycle has no contributions."),
    )


def _contribution_row(row: Contribution, collection: CollectionFacts | None) -> Sequence[Any]:
    if collection is None:
        return (row.user_id, show_sats(row.amount_sats), gettext("not requested yet"), show_msat(0), "")
    link = link_to_page("transfers.collection", collection.id, f"#{collection.id}")
    received = show_in(collection.received.currency, collection.received.amount)
    return (row.user_id, show_sats(row.amount_sats), show_choice(collection.state), received, link)


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "group", "name_masked", "phone_masked", "added_at")
    fields = list_display
    list_select_related = ("group",)
    search_fields = ("user_id", "group__id")
    search_help_text = _("The exact identifier of the member or of the group.")
    ordering = ("group_id", "user_id")
    links = ("group",)

    @admin.display(description=_("name"))
    def name_masked(self, member: Member) -> str:
        return masked_name(member)

    @admin.display(description=_("phone"))
    def phone_masked(self, member: Member) -> str:
        return masked_phone(member)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return _credit_of(row)


def _credit_of(row: Member) -> Sequence[Section]:
    movements = credit_movements(row.user_id, before_id=None, limit=MOVEMENTS_SHOWN)
    held = Facts(_("Credit"), ((_("Held"), show_msat(credit_msat(row.user_id))),))
    listed = Table(
        title=_("Last movements of the credit"),
        heads=(_("when"), _("what"), _("for"), _("amount"), _("transaction")),
        rows=[_movement_row(movement) for movement in movements],
        empty=_("This member never had credit."),
    )
    return (held, listed)


def _movement_row(movement: Movement) -> Sequence[Any]:
    link = link_to_page("ledger.journaltransaction", movement.transaction_id, f"#{movement.transaction_id}")
    what = show_code_or_text(movement.kind)
    return (instant(movement.at), what, show_subject(movement.subject), show_msat(-movement.amount), link)


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
        return (trail_of([contribution_subject(row.pk)]),)
