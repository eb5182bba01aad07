"""Correct a member's name or phone: finance proposes it, another person approves it. Neither is kept in clear."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction

from payouts.enums import MEMBER_CORRECTION
from payouts.errors import CorrectionChangesNothing, MemberMissing
from payouts.models import ProposedCorrection
from payouts.queries.people import known_names, known_phones, memberships, newest_correction
from payouts.services.erasure import person_of
from payouts.services.members import change_member
from sunusav.core.actors import Actor
from sunusav.core.approvals import (
    ProposalAlreadyOpen,
    digest_of,
    open_proposal,
    propose,
    require_as_proposed,
)
from sunusav.core.models import Proposal, User
from sunusav.core.privacy import PersonErased, is_erased, lock_person, reveal, seal
from sunusav.core.sealing import canonical
from transfers.types import member_ref


def propose_correction(
    *, user_id: str, display_name: str = "", phone: str = "", reason: str, proposer: User, now: datetime
) -> Proposal:
    """Propose to a second person a member's right name, phone, or both; an empty one stays as it is.

    The proposal is about the first membership of the person, so that one is open at most.
    Raises: MemberMissing, PersonErased, CorrectionChangesNothing, and as `approvals.propose`.
    """
    rows = memberships(user_id)
    if not rows:
        raise MemberMissing(user_id=user_id)
    person, subject_id = member_ref(user_id), str(rows[0].pk)
    with transaction.atomic():
        lock_person(person)
        name = display_name if known_names(user_id) != {display_name} else ""
        number = phone if known_phones(user_id) != {phone} else ""
        if not name and not number:
            raise CorrectionChangesNothing(user_id=user_id)
        _require_none_waits(subject_id)
        ProposedCorrection.objects.create(
            user_id=user_id, sealed_name=seal(person, name) if name else None,
            sealed_phone=seal(person, number) if number else None, proposed_at=now,
        )  # fmt: skip
        return propose(
            kind=MEMBER_CORRECTION, subject_id=subject_id, proposer=proposer, now=now, reason=reason
        )


def describe_correction(subject_id: str) -> dict[str, Any]:
    """Return the facts that an approval is bound to: whose, what changes, and digests of it and of what is stored.

    The digests are of encrypted values: they identify these rows and say nothing about name or phone.
    Raises: MemberMissing, PersonErased.
    """
    user_id = person_of(subject_id)
    if is_erased(member_ref(user_id)):
        raise PersonErased(person_ref=member_ref(user_id))
    row = newest_correction(user_id)
    stored = [sealed for one in memberships(user_id) for sealed in (one.sealed_name, one.sealed_phone)]
    return {
        "user_id": user_id, "correction": row.pk, "name_changes": row.sealed_name is not None,
        "phone_changes": row.sealed_phone is not None, "stored_digest": _digest(stored),
        "proposed_digest": _digest([row.sealed_name, row.sealed_phone]),
    }  # fmt: skip


def correct_as_approved(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Change the name or phone in all groups; runs when a second person approves it.

    Raises: MemberMissing, PersonErased, ProposalFactsChanged.
    """
    user_id = person_of(proposal.subject_id)
    person = member_ref(user_id)
    lock_person(person)
    require_as_proposed(proposal, describe_correction(proposal.subject_id))
    row = newest_correction(user_id)
    change_member(
        user_id=user_id, display_name=_opened(person, row.sealed_name),
        phone=_opened(person, row.sealed_phone), actor=actor, now=now, reason=proposal.reason,
    )  # fmt: skip


def _require_none_waits(subject_id: str) -> None:
    """Refuse another correction while one can still be approved: a new row would void it."""
    waiting = open_proposal(MEMBER_CORRECTION, subject_id)
    if waiting is None:
        return
    if waiting.digest == digest_of(MEMBER_CORRECTION, subject_id, describe_correction(subject_id)):
        raise ProposalAlreadyOpen(kind=MEMBER_CORRECTION, subject_id=subject_id, proposal_id=str(waiting.pk))


def _opened(person: str, sealed: bytes | memoryview | None) -> str | None:
    return None if sealed is None else reveal(person, bytes(sealed))


def _digest(sealed: Sequence[bytes | memoryview | None]) -> str:
    values = [None if one is None else bytes(one).hex() for one in sealed]
    return sha256(canonical({"sealed": values})).hexdigest()
