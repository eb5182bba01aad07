"""Groups, and the verification of a group by two people."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from fees.enums import DiscountKind
from fees.services import grant_discount, revoke_discount
from payouts.enums import GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION
from payouts.errors import (
    CountryWithoutPartner,
    GroupExists,
    GroupMissing,
    GroupNotVerified,
    GroupVerifiedAlready,
    PartnerServesElsewhere,
    PartnerUnknown,
)
from payouts.models import Group
from payouts.queries.groups import group
from payouts.services.lookups import store_group
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.models import Proposal, User
from transfers.queries import default_partner, partner


def create_group(
    *,
    group_id: str,
    name: str,
    country: str,
    settlement_partner: str | None = None,
    skip_non_working_days: bool = False,
    actor: Actor,
    now: datetime,
) -> None:
    """Create a group; without a settlement partner it gets the first enabled one of its country.

    Raises: GroupExists, PartnerUnknown, PartnerServesElsewhere, CountryWithoutPartner.
    """
    row = Group(
        pk=group_id, name=name, country=country,
        settlement_partner_id=_settlement_partner(settlement_partner, country),
        skip_non_working_days=skip_non_working_days, created_at=now,
    )  # fmt: skip
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise GroupExists(group_id=group_id) from None
        store_group(group_id, name)
        facts = {"country": country, "settlement_partner": row.settlement_partner_id}
        trail.record(subject=f"group:{group_id}", action="create", actor=actor, at=now, facts=facts)


def change_group(
    *,
    group_id: str,
    name: str | None = None,
    settlement_partner: str | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change a group's name, or the partner of the fees of payouts that are requested from then on.

    Raises: GroupMissing, PartnerUnknown, PartnerServesElsewhere.
    """
    with transaction.atomic():
        row = locked_group(group_id)
        facts: dict[str, str] = {}
        if name is not None and name != row.name:
            facts |= {"name": name, "name_before": row.name}
            row.name = name
        code = settlement_partner and _settlement_partner(settlement_partner, row.country)
        if code and code != row.settlement_partner_id:
            facts |= {"settlement_partner": code, "settlement_partner_before": row.settlement_partner_id}
            row.settlement_partner_id = code
        if not facts:
            return
        row.save(update_fields=["name", "settlement_partner"])
        store_group(group_id, row.name)
        trail.record(subject=f"group:{group_id}", action="change_group", actor=actor, at=now, facts=facts)


def propose_verification(*, group_id: str, proposer: User, reason: str, now: datetime) -> Proposal:
    """Propose to verify a group. Raises: GroupMissing, GroupVerifiedAlready, as `approvals.propose`."""
    if group(group_id, at=now).is_verified:
        raise GroupVerifiedAlready(group_id=group_id)
    return approvals.propose(
        kind=GROUP_VERIFICATION, subject_id=group_id, proposer=proposer, reason=reason, now=now
    )


def propose_verification_revocation(*, group_id: str, proposer: User, reason: str, now: datetime) -> Proposal:
    """Propose to revoke a verification. Raises: GroupMissing, GroupNotVerified, as `approvals.propose`."""
    if not group(group_id, at=now).is_verified:
        raise GroupNotVerified(group_id=group_id)
    return approvals.propose(
        kind=GROUP_VERIFICATION_REVOCATION, subject_id=group_id, proposer=proposer, reason=reason, now=now
    )


def describe_group(group_id: str) -> dict[str, Any]:
    """Return the facts that the approver of a verification sees. Raises: GroupMissing."""
    row = Group.objects.filter(pk=group_id).first()
    if row is None:
        raise GroupMissing(group_id=group_id)
    return {
        "group": row.pk,
        "name": row.name,
        "country": row.country,
        "settlement_partner": row.settlement_partner_id,
    }


def verify_group(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Grant a group the schedule's discount; runs when a second person approves it.

    Raises: GroupMissing, ProposalFactsChanged, DiscountAlreadyGranted.
    """
    _require_as_proposed(proposal)
    grant_discount(
        holder=f"group:{proposal.subject_id}", kind=DiscountKind.VERIFIED_GROUP, discount_bps=None,
        starts_at=now, ends_at=None, granted_for=f"proposal:{proposal.pk}", actor=actor, now=now,
    )  # fmt: skip


def revoke_verification(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Revoke a group's discount; fees fixed before keep it. Runs when a second person approves it.

    Raises: GroupMissing, ProposalFactsChanged, DiscountNotGranted.
    """
    _require_as_proposed(proposal)
    revoke_discount(
        holder=f"group:{proposal.subject_id}", kind=DiscountKind.VERIFIED_GROUP, actor=actor, now=now,
        reason=proposal.reason,
    )  # fmt: skip


def locked_group(group_id: str) -> Group:
    """Lock a group and return its row. Raises: GroupMissing."""
    row = Group.objects.select_for_update().filter(pk=group_id).first()
    if row is None:
        raise GroupMissing(group_id=group_id)
    return row


def _require_as_proposed(proposal: Proposal) -> None:
    locked_group(proposal.subject_id)
    approvals.require_as_proposed(proposal, describe_group(proposal.subject_id))


def _settlement_partner(code: str | None, country: str) -> str:
    if code is None:
        first = default_partner(country)
        if first is None:
            raise CountryWithoutPartner(country=country)
        return str(first.code)
    chosen = partner(code)
    if chosen is None:
        raise PartnerUnknown(settlement_partner=code)
    if not chosen.is_enabled or country not in chosen.countries:
        raise PartnerServesElsewhere(settlement_partner=code, country=country)
    return str(chosen.code)
