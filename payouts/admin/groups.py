"""Groups: whether they are verified is proposed here and approved by another person."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fees.queries import verified_groups
from payouts.enums import (
    GROUP_VERIFICATION,
    GROUP_VERIFICATION_REVOCATION,
)
from payouts.models import Group, Member
from payouts.queries.groups import masked
from payouts.services.groups import propose_verification, propose_verification_revocation
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import moment
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.sections import SECTION_LIMIT, Section, Table, link_to_page, link_to_rest
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.models import User
from transfers.queries import countries_served


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
    proposes=GROUP_VERIFICATION,
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
    proposes=GROUP_VERIFICATION_REVOCATION,
    tone="bad",
)


# From the directory of partners: reading the values in use would scan the whole table for every page.
COUNTRY = choice_filter("country", countries_served)


def _members_of(group: Group) -> Table:
    """Return the first members, each with a link to the page from which name and phone may be shown in clear."""
    rows = list(Member.objects.filter(group=group).order_by("user_id")[:SECTION_LIMIT])
    return Table(
        title=_("Members"),
        heads=(_("member"), _("name"), _("phone"), _("added at"), _("left at")),
        rows=[
            (
                link_to_page("payouts.member", row.pk, row.user_id), shown.name or NOTHING, shown.phone or NOTHING,
                moment(row.added_at), moment(row.left_at),
            )
            for row, shown in zip(rows, masked(rows), strict=True)
        ],
        empty=_("This group never had a member."),
        anchor="members",
        more=link_to_rest("payouts.member", len(rows), group__id__exact=group.pk),
    )  # fmt: skip


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "country", "settlement_partner", "verified", "created_at")
    fields = (
        "id", "name", "country", "settlement_partner", "verified", "skip_non_working_days", "created_at",
    )  # fmt: skip
    list_filter = (COUNTRY, "settlement_partner")
    list_select_related = ("settlement_partner",)
    search_fields = ("id", "name")
    search_help_text = _("The exact identifier or name.")
    ordering = ("id",)
    links = ("settlement_partner__code",)  # what the filter by partner compares
    actions_offered = (PROPOSE_VERIFICATION, PROPOSE_REVOCATION)
    card_fields = ("id", "name", "country", "settlement_partner", "verified")

    def name_of(self, row: Any) -> str:
        return f"{row.name} ({row.pk})"

    def prepare(self, rows: Sequence[Any]) -> None:
        verified = verified_groups([row.pk for row in rows], clock.now())
        for row in rows:
            row.is_verified = row.pk in verified

    @admin.display(description=_("verified"), boolean=True)
    def verified(self, group: Any) -> bool:
        return bool(group.is_verified)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        names = ("group", GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION)
        timeline = timeline_of([f"{name}:{row.pk}" for name in names] + [f"discount:group:{row.pk}"])
        return (_members_of(row), timeline)
