"""The minimum float at a partner: one person proposes it, a second person puts it in force."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from partners.errors import FloatMinimumMissing, FloatMinimumOutOfRange, PartnerNotInUse
from partners.models import AdoptedFloatMinimum, FloatMinimum
from partners.queries import minimum_in_force
from partners.types import FloatMinimumFacts
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, ProposalState, User

FLOAT_MINIMUM: Final = "float_minimum"
MAX_XOF, MAX_DAYS = 10**12, 365


def propose_float_minimum(
    *, partner: str, minimum: FloatMinimumFacts, reason: str, proposer: User, now: datetime
) -> Proposal:
    """Propose the minimum float at a partner to a second person. At most one proposal per partner is open.

    Raises: PartnerNotInUse, FloatMinimumOutOfRange; and as `approvals.propose`.
    """
    if partner not in settings.PARTNER_PACKAGES:
        raise PartnerNotInUse(partner=partner)
    if not (0 <= minimum.minimum_xof <= MAX_XOF and 0 <= minimum.minimum_days <= MAX_DAYS):
        raise FloatMinimumOutOfRange(
            minimum_xof=minimum.minimum_xof, minimum_days=minimum.minimum_days, maximum_xof=MAX_XOF,
            maximum_days=MAX_DAYS,
        )  # fmt: skip
    with transaction.atomic():
        lock(FLOAT_MINIMUM)
        _require_none_open(partner)
        row = FloatMinimum.objects.create(
            partner=partner, minimum_xof=minimum.minimum_xof, minimum_days=minimum.minimum_days, reason=reason,
            proposer=proposer, proposed_at=now,
        )  # fmt: skip
        return approvals.propose(
            kind=FLOAT_MINIMUM, subject_id=str(row.pk), proposer=proposer, now=now, reason=reason
        )


def describe_float_minimum(subject_id: str) -> dict[str, Any]:
    """Return the facts to approve: the new minimum, and the one that it replaces. Raises: FloatMinimumMissing."""
    row = float_minimum_of(subject_id)
    before = minimum_in_force(row.partner)
    return {
        "partner_name": row.partner,
        "minimum_xof": row.minimum_xof,
        "minimum_days": row.minimum_days,
        "in_force_xof": before.minimum_xof,
        "in_force_days": before.minimum_days,
        "reason": row.reason,
    }


def float_minimum_of(subject_id: str) -> FloatMinimum:
    """Return the minimum that a proposal is about. Raises: FloatMinimumMissing."""
    found = FloatMinimum.objects.filter(pk=int(subject_id)).first() if subject_id.isdecimal() else None
    if found is None:
        raise FloatMinimumMissing(float_minimum_id=subject_id)
    return found


def adopt_float_minimum(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Put a minimum in force; called when a second person approves it.

    Raises: FloatMinimumMissing, ProposalFactsChanged.
    """
    lock(FLOAT_MINIMUM)
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    facts = describe_float_minimum(proposal.subject_id)
    approvals.require_as_proposed(proposal, facts)
    row = float_minimum_of(proposal.subject_id)
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    AdoptedFloatMinimum.objects.create(
        minimum=row, adopted_at=now, proposal=proposal, proposer_id=proposal.proposer_id,
        approver_id=actor.user_id,
    )  # fmt: skip
    trail.record(
        subject=f"{FLOAT_MINIMUM}:{row.pk}", action="adopt", actor=actor, at=now,
        from_state=str(facts["in_force_xof"]), to_state=str(row.minimum_xof),
        facts={name: fact for name, fact in facts.items() if name != "reason"},
    )  # fmt: skip


def _require_none_open(partner: str) -> None:
    for proposal in Proposal.objects.filter(kind=FLOAT_MINIMUM, state=ProposalState.OPEN):
        if float_minimum_of(proposal.subject_id).partner == partner:
            raise approvals.ProposalAlreadyOpen(
                kind=FLOAT_MINIMUM, subject_id=proposal.subject_id, proposal_id=str(proposal.pk)
            )
