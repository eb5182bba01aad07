"""Who issues receipts, and the tax rate on them: one person proposes a change, a second person has it adopted."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, ProposalState, User
from transfers.calculations import WHOLE_BPS
from transfers.document_errors import (
    EffectiveInPast,
    IssuerIncomplete,
    IssuerRequestMissing,
    TaxRateOutOfRange,
    TaxRateRequestMissing,
)
from transfers.document_queries import issuer_in_force, tax_rate_in_force
from transfers.models import AdoptedIssuer, AdoptedTaxRate, Issuer, TaxRate
from transfers.types import IssuerFacts

RECEIPT_ISSUER: Final = "receipt_issuer"
RECEIPT_TAX_RATE: Final = "receipt_tax_rate"


# The issuer


def propose_issuer(
    *, issuer: IssuerFacts, reason: str, proposer: User, now: datetime, effective_at: datetime | None = None
) -> Proposal:
    """Propose to a second person who issues receipts, from a moment on or from the approval on.

    Raises: IssuerIncomplete, EffectiveInPast; and as `approvals.propose`.
    """
    for name in ("legal_name", "address", "ninea"):
        if not getattr(issuer, name).strip():
            raise IssuerIncomplete(missing=name)
    _require_not_past(effective_at, now)
    with transaction.atomic():
        _require_none_open(RECEIPT_ISSUER)
        row = Issuer.objects.create(
            legal_name=issuer.legal_name.strip(), address=issuer.address.strip(), ninea=issuer.ninea.strip(),
            effective_at=effective_at, reason=reason, proposer=proposer, proposed_at=now,
        )  # fmt: skip
        return approvals.propose(
            kind=RECEIPT_ISSUER, subject_id=str(row.pk), proposer=proposer, now=now, reason=reason
        )


def describe_issuer(subject_id: str) -> dict[str, Any]:
    """Return the facts that an approval is bound to. Raises: IssuerRequestMissing."""
    row = issuer_of(subject_id)
    return {
        "legal_name": row.legal_name, "address": row.address, "ninea": row.ninea,
        "effective_at": _text(row.effective_at), "reason": row.reason,
    }  # fmt: skip


def issuer_of(subject_id: str) -> Issuer:
    """Return the issuer that a proposal is about. Raises: IssuerRequestMissing."""
    found = Issuer.objects.filter(pk=int(subject_id)).first() if subject_id.isdecimal() else None
    if found is None:
        raise IssuerRequestMissing(issuer_id=subject_id)
    return found


def adopt_issuer(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Put an issuer in force; called when a second person approves it. Raises: IssuerRequestMissing."""
    row, before = issuer_of(proposal.subject_id), issuer_in_force(now)
    effective_at = _not_before(row.effective_at, now)
    AdoptedIssuer.objects.create(issuer=row, effective_at=effective_at, **_two_people(proposal, actor))
    trail.record(
        subject=f"{RECEIPT_ISSUER}:{row.pk}", action="adopt", actor=actor, at=now,
        facts={
            "proposal": proposal.pk, "effective_at": effective_at.isoformat(), "legal_name": row.legal_name,
            "replaces": before.issuer_id if before else None,
        },
    )  # fmt: skip


# The tax rate


def propose_tax_rate(
    *, rate_bps: int, reason: str, proposer: User, now: datetime, effective_at: datetime | None = None
) -> Proposal:
    """Propose to a second person the rate of the tax that fees contain, as `propose_issuer`.

    Raises: TaxRateOutOfRange, EffectiveInPast; and as `approvals.propose`.
    """
    if not 0 <= rate_bps < WHOLE_BPS:
        raise TaxRateOutOfRange(tax_rate_bps=rate_bps, maximum_bps=WHOLE_BPS - 1)
    _require_not_past(effective_at, now)
    with transaction.atomic():
        _require_none_open(RECEIPT_TAX_RATE)
        row = TaxRate.objects.create(
            rate_bps=rate_bps, effective_at=effective_at, reason=reason, proposer=proposer, proposed_at=now
        )
        return approvals.propose(
            kind=RECEIPT_TAX_RATE, subject_id=str(row.pk), proposer=proposer, now=now, reason=reason
        )


def describe_tax_rate(subject_id: str) -> dict[str, Any]:
    """Return the facts that an approval is bound to. Raises: TaxRateRequestMissing."""
    row = tax_rate_of(subject_id)
    return {
        "tax_rate_bps": row.rate_bps,
        "effective_at": _text(row.effective_at),
        "reason": row.reason,
    }


def tax_rate_of(subject_id: str) -> TaxRate:
    """Return the rate that a proposal is about. Raises: TaxRateRequestMissing."""
    found = TaxRate.objects.filter(pk=int(subject_id)).first() if subject_id.isdecimal() else None
    if found is None:
        raise TaxRateRequestMissing(tax_rate_id=subject_id)
    return found


def adopt_tax_rate(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Put a tax rate in force; called when a second person approves it. Raises: TaxRateRequestMissing."""
    row, before = tax_rate_of(proposal.subject_id), tax_rate_in_force(now)
    effective_at = _not_before(row.effective_at, now)
    AdoptedTaxRate.objects.create(tax_rate=row, effective_at=effective_at, **_two_people(proposal, actor))
    trail.record(
        subject=f"{RECEIPT_TAX_RATE}:{row.pk}", action="adopt", actor=actor, at=now,
        from_state=str(before.tax_rate.rate_bps if before else 0), to_state=str(row.rate_bps),
        facts={"tax_rate_bps": row.rate_bps, "effective_at": effective_at.isoformat()},
    )  # fmt: skip


def _require_not_past(effective_at: datetime | None, now: datetime) -> None:
    if effective_at is not None and effective_at < now:
        raise EffectiveInPast(effective_at=effective_at, now=now)


def _not_before(effective_at: datetime | None, now: datetime) -> datetime:
    """Return from when a change holds: never before its approval, so that no issued receipt contradicts it."""
    return now if effective_at is None else max(effective_at, now)


def _require_none_open(kind: str) -> None:
    """Let one proposal of a kind be open at a time; the lock makes others wait until it is stored."""
    lock(kind)
    open_one = Proposal.objects.filter(kind=kind, state=ProposalState.OPEN).first()
    if open_one is not None:
        raise approvals.ProposalAlreadyOpen(
            kind=kind, subject_id=open_one.subject_id, proposal_id=str(open_one.pk)
        )


def _two_people(proposal: Proposal, actor: Actor) -> dict[str, Any]:
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    return {"proposal": proposal, "proposer_id": proposal.proposer_id, "approver_id": actor.user_id}


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
