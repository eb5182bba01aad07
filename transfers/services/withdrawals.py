"""Withdrawal links: open, redeem, revoke and expire.

A redeemed link is *taken* when the app that opened it requests its disbursement. The redeemer's destination is stored
here first, so that it survives a crash.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from ledger.types import msat
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.money import msat_from_sats
from sunusav.core.outbox import announce
from sunusav.core.privacy import PersonErased, keys_for
from sunusav.core.subjects import require_subject
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from sunusav.core.wake_ups import wake_for
from transfers.destination_queries import open_destinations
from transfers.enums import WITHDRAWAL_TRANSITIONS, WithdrawalState
from transfers.errors import (
    WithdrawalLinkClosed,
    WithdrawalLinkMissing,
    WithdrawalLinkOpen,
    WithdrawalRedeemedOtherwise,
    WithdrawalSecretUnknown,
)
from transfers.models import WithdrawalLink
from transfers.queries import withdrawal_facts
from transfers.rails import rail as rail_named
from transfers.services.destinations import destination_facts, digest_of_destination, seal_destination
from transfers.services.disbursements import require_reference_free, require_subject_free
from transfers.types import Destination, Instruction, OpenedWithdrawal, WithdrawalFacts

# Short, since anybody who sees the code can take the money; long enough for a winner without network today.
LIFETIME = timedelta(hours=24)
SECRET_BYTES = 32
TAKE_AGAIN_AFTER = timedelta(minutes=1)
FACT = "withdrawal"
REDEEMER = Actor.system("transfers.redeemer")
ENGINE = Actor.system("transfers.withdrawals")
_S = WithdrawalState


def open_withdrawal(
    *, subject: str, rail: str, amount_sats: int, actor: Actor, now: datetime, person_ref: str = ""
) -> OpenedWithdrawal:
    """Open a link for an amount, in the caller's transaction; its secret is returned here and never again.

    The redeemer's destination is encrypted under the key of `person_ref`; empty: of the subject.
    Raises: RailUnknown, SubjectMissing, WithdrawalLinkOpen.
    """
    rail_named(rail)
    require_subject(subject)
    secret = secrets.token_hex(SECRET_BYTES)
    row = WithdrawalLink(
        subject=subject, person_ref=person_ref or subject, rail=rail, amount_msat=msat_from_sats(amount_sats),
        secret_sha256=_digest(secret), opened_by=actor.label, opened_at=now, expires_at=now + LIFETIME,
    )  # fmt: skip
    _close_expired(subject, now=now)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        _require_none_live(subject)
        raise
    facts = {"subject": subject, "amount_sats": amount_sats, "expires_at": row.expires_at.isoformat()}
    trail.record(
        subject=_subject_of(row), action="open", to_state=row.state, actor=actor, at=now, facts=facts
    )
    return OpenedWithdrawal(secret, row.amount_msat, row.expires_at)


def revoke_withdrawal(*, subject: str, actor: Actor, now: datetime) -> WithdrawalFacts:
    """Revoke a subject's link that nobody has redeemed. Raises: WithdrawalLinkMissing, WithdrawalLinkClosed."""
    with transaction.atomic():
        rows = WithdrawalLink.objects.select_for_update().filter(subject=subject)
        row = rows.order_by("-id").first()
        if row is None:
            raise WithdrawalLinkMissing(subject=subject)
        _require_open(row, now)
        _move(row, _S.REVOKED, "revoke", actor=actor, now=now)
    return withdrawal_facts(row)


def end_withdrawal(*, subject: str, why: DomainError, actor: Actor, now: datetime) -> None:
    """Close the live link of a subject that can no longer be paid, redeemed or not, in the caller's transaction."""
    row = WithdrawalLink.objects.select_for_update().filter(live_subject=subject).first()
    if row is None:
        return
    if row.state == _S.REDEEMED:
        refuse_withdrawal(withdrawal_id=row.pk, why=why, actor=actor, now=now)
    else:
        _move(row, _S.REVOKED, "revoke", actor=actor, now=now)


def withdrawal_of(secret: str, *, now: datetime) -> WithdrawalFacts:
    """Return the open link of a secret. Raises: WithdrawalSecretUnknown, WithdrawalLinkClosed."""
    row = WithdrawalLink.objects.filter(secret_sha256=_digest(secret)).first()
    if row is None:
        raise WithdrawalSecretUnknown
    _require_open(row, now)
    return withdrawal_facts(row)


def redeem_withdrawal(*, secret: str, kind: str, value: str, now: datetime) -> None:
    """Store the destination of the first who presents the secret; the same again is accepted, another is refused.

    Raises: WithdrawalSecretUnknown, WithdrawalRedeemedOtherwise, WithdrawalLinkClosed, SubjectHeld,
    PaymentReferenceUsed, what the rail refuses.
    """
    with transaction.atomic():
        rows = WithdrawalLink.objects.select_for_update().filter(secret_sha256=_digest(secret))
        row = rows.first()
        if row is None:
            raise WithdrawalSecretUnknown
        if _is_redeemed_with(row, kind, value):
            return
        _require_open(row, now)
        destination = Destination(row.rail, kind, value)
        _require_payable(row, destination, now)
        keys = keys_for(row.person_ref)
        digest = digest_of_destination(keys, row.person_ref, destination)
        _move(
            row, _S.REDEEMED, "redeem", actor=REDEEMER, now=now,
            facts=destination_facts(row.rail, kind, digest), redeemed_at=now, destination_kind=kind, take_at=now,
            sealed_destination=seal_destination(keys, row.person_ref, destination).sealed_value,
        )  # fmt: skip
        wake_for(row.subject, fact=FACT)


def defer_taking(withdrawal_id: int, *, now: datetime) -> bool:
    """Make a redeemed link due again in a minute, in case taking it fails; false if another worker has it."""
    due = WithdrawalLink.objects.filter(pk=withdrawal_id, take_at__lte=now)
    return due.update(take_at=now + TAKE_AGAIN_AFTER) == 1


def record_taken(*, withdrawal_id: int, disbursement_id: int, actor: Actor, now: datetime) -> None:
    """Close a redeemed link with its disbursement, in the transaction that requested it."""
    _move(
        _redeemed(withdrawal_id), _S.TAKEN, "take", actor=actor, now=now,
        facts={"disbursement": disbursement_id}, disbursement_id=disbursement_id, take_at=None,
        failure_code="", failure_facts={},
    )  # fmt: skip


def record_taking_deferred(*, withdrawal_id: int, why: DomainError) -> None:
    """Store why a redeemed link cannot be paid yet; it is taken again by itself."""
    WithdrawalLink.objects.filter(pk=withdrawal_id, state=_S.REDEEMED).update(**_failure(why))


def refuse_withdrawal(*, withdrawal_id: int, why: DomainError, actor: Actor, now: datetime) -> None:
    """Close a redeemed link that can never be paid as it is, and announce why to the platform."""
    row = _redeemed(withdrawal_id)
    failure = _failure(why)
    _move(row, _S.REFUSED, "refuse", actor=actor, now=now, facts={"why": why.code}, take_at=None, **failure)
    payload = {"id": row.pk, "subject": row.subject, "state": row.state, "failure_code": why.code}
    announce(topic="withdrawal.refused", subject=row.subject, payload=payload, at=now)


def expire_withdrawals(*, now: datetime, limit: int = 500) -> int:
    """Close links that nobody redeemed in time; return how many."""
    expired = WithdrawalLink.objects.filter(state=_S.OPEN, expires_at__lte=now).order_by("expires_at")
    subjects = list(expired.values_list("subject", flat=True)[:limit])
    for subject in subjects:
        _expire(subject, now=now)
    return len(subjects)


@retried_on_deadlock
def _expire(subject: str, *, now: datetime) -> None:
    with transaction.atomic():
        _close_expired(subject, now=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _subject_of(row: WithdrawalLink) -> str:
    return f"withdrawal:{row.pk}"


def _close_expired(subject: str, *, now: datetime) -> None:
    """Close the expired link of a subject, so that another can be opened."""
    open_ones = WithdrawalLink.objects.select_for_update().filter(live_subject=subject, state=_S.OPEN)
    row = open_ones.first()
    if row is not None and row.expires_at <= now:
        _move(row, _S.EXPIRED, "expire", actor=ENGINE, now=now)


def _require_none_live(subject: str) -> None:
    row = WithdrawalLink.objects.filter(live_subject=subject).first()
    if row is not None:
        raise WithdrawalLinkOpen(subject=subject, link_state=row.state, expires_at=row.expires_at)


def _is_redeemed_with(row: WithdrawalLink, kind: str, value: str) -> bool:
    """Return whether this same destination redeemed the link first.

    Raises: WithdrawalRedeemedOtherwise when another one did, WithdrawalLinkClosed when it was refused since.
    """
    if row.destination is None:
        return False
    try:
        (redeemed_with,) = open_destinations([row.destination])
    except PersonErased:
        raise WithdrawalRedeemedOtherwise from None
    if redeemed_with != Destination(row.rail, kind, value):
        raise WithdrawalRedeemedOtherwise
    if row.state == _S.REFUSED:
        raise WithdrawalLinkClosed(link_state=row.state)
    return True


def _require_open(row: WithdrawalLink, now: datetime) -> None:
    if row.state != _S.OPEN:
        raise WithdrawalLinkClosed(link_state=row.state)
    if row.expires_at <= now:
        raise WithdrawalLinkClosed(link_state=_S.EXPIRED.value)


def _require_payable(row: WithdrawalLink, destination: Destination, now: datetime) -> None:
    require_subject_free(row.subject)
    reference = rail_named(row.rail).check(Instruction(0, msat(row.amount_msat), destination), now=now)
    require_reference_free(reference, disbursement_id=0)


def _redeemed(withdrawal_id: int) -> WithdrawalLink:
    return WithdrawalLink.objects.select_for_update().get(pk=withdrawal_id)


def _failure(why: DomainError) -> dict[str, Any]:
    return {"failure_code": why.code, "failure_facts": why.stored_facts}


def _move(
    row: WithdrawalLink, state: str, action: str, *, actor: Actor, now: datetime, **fields: Any
) -> None:
    move(
        row,
        state,
        allowed=WITHDRAWAL_TRANSITIONS,
        subject=_subject_of(row),
        action=action,
        actor=actor,
        at=now,
        **fields,
    )
