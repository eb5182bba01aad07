"""Recording exchange rates: from the market, or by two people."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import models, transaction

from ledger.calculations import MAXIMUM_XOF_PER_BTC, MINIMUM_XOF_PER_BTC, is_within_bounds
from ledger.enums import RateRefusal
from ledger.errors import ManualRateMissing, NoRateSourceAnswered, RateAnswerRefused, RateOutOfBounds
from ledger.models import ExchangeRate, ManualRateRequest
from ledger.models.rate import MANUAL_SOURCE, MARKET_SOURCE
from ledger.rates.current import last_accepted
from ledger.rates.sanity import Judgement, judge, parse_rate, require_recent
from ledger.rates.sources import RateSource, configured_sources
from ledger.types import Rate, RateUpdate
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.http import HostUnavailable
from sunusav.core.models import Proposal, ProposalState, User

MANUAL_RATE: Final = "manual_rate"


def update_rates(*, now: datetime, sources: Sequence[RateSource] | None = None) -> RateUpdate:
    """Query every source and append the median of the accepted answers; a doubtful median goes into quarantine.

    Uses the network: call it outside transactions. Raises: NoRateSourceAnswered.
    """
    rates, refusals = _query_all(configured_sources() if sources is None else sources, now)
    if not rates:
        raise NoRateSourceAnswered(refusals=refusals)
    last = last_accepted()
    judgement = judge(rates, refusals, last_accepted=last.rate_xof_per_btc if last else None)
    row = _append_market_rate(judgement, now)
    return RateUpdate(row.value, row.quarantine_reason, judgement.refusals)


def _query_all(sources: Sequence[RateSource], now: datetime) -> tuple[dict[str, Decimal], dict[str, str]]:
    rates: dict[str, Decimal] = {}
    refusals: dict[str, str] = {}
    for source in sources:
        try:
            rates[source.name] = _query(source, now)
        except RateAnswerRefused as error:
            refusals[source.name] = error.refusal
        except HostUnavailable:
            refusals[source.name] = RateRefusal.UNAVAILABLE.value
    return rates, refusals


def _query(source: RateSource, now: datetime) -> Decimal:
    answer = source.read()
    require_recent(source.name, answer.observed_at, now=now)
    return parse_rate(source.name, answer.amount, answer.currency)


def _append_market_rate(judgement: Judgement, now: datetime) -> ExchangeRate:
    return ExchangeRate.objects.create(
        rate_xof_per_btc=judgement.rate_xof_per_btc, source=MARKET_SOURCE, observed_at=now, recorded_at=now,
        is_quarantined=bool(judgement.quarantine_reason),
        quarantine_reason=judgement.quarantine_reason.value,
        components={
            "rates": {name: str(rate) for name, rate in judgement.accepted.items()},
            "refusals": judgement.refusals,
        },
    )  # fmt: skip


def propose_manual_rate(*, rate_xof_per_btc: Decimal, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose a rate for a second person to approve. Only one proposal may be open at a time.

    Raises: RateOutOfBounds, NotAllowedToDecide, ProposalAlreadyOpen.
    """
    if not is_within_bounds(rate_xof_per_btc):
        raise RateOutOfBounds(
            rate_xof_per_btc=str(rate_xof_per_btc), minimum_xof_per_btc=str(MINIMUM_XOF_PER_BTC),
            maximum_xof_per_btc=str(MAXIMUM_XOF_PER_BTC),
        )  # fmt: skip
    _require_none_open()
    with transaction.atomic():
        request = ManualRateRequest.objects.create(
            rate_xof_per_btc=rate_xof_per_btc, reason=reason, requested_by=proposer, requested_at=now
        )
        return approvals.propose(
            kind=MANUAL_RATE, subject_id=str(request.pk), proposer=proposer, now=now, reason=reason
        )


def approve_manual_rate(*, proposal: Proposal, approver: User, now: datetime) -> Rate | None:
    """Approve a manual rate as proposed. Return the rate it recorded, or None while more approvals are needed.

    Raises: as `approvals.approve`.
    """
    decided = approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)
    if decided.state != ProposalState.APPROVED:
        return None
    return ExchangeRate.objects.get(request=_request(proposal.subject_id)).value


def waiting_manual_rate(rate_xof_per_btc: Decimal) -> Proposal | None:
    """Return the open proposal to record exactly this rate, if there is one."""
    for proposal in _open_proposals():
        if _request(proposal.subject_id).rate_xof_per_btc == rate_xof_per_btc:
            return proposal
    return None


def describe_manual_rate(subject_id: str) -> dict[str, Any]:
    """Return the facts that the approver of a manual rate sees. Raises: ManualRateMissing."""
    request = _request(subject_id)
    return {
        "rate_xof_per_btc": f"{request.rate_xof_per_btc:.8f}",
        "reason": request.reason,
        "requested_at": request.requested_at.isoformat(),
    }


def record_manual_rate(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Append a manual rate; runs when a second person approves it."""
    request = _request(proposal.subject_id)
    row = ExchangeRate.objects.create(
        rate_xof_per_btc=request.rate_xof_per_btc, source=MANUAL_SOURCE, observed_at=now, recorded_at=now,
        request=request,
    )  # fmt: skip
    trail.record(
        subject=f"rate:{row.pk}", action="record_manual_rate", actor=actor, at=now,
        facts={"rate_xof_per_btc": f"{row.rate_xof_per_btc:.8f}", "proposal": proposal.pk},
    )  # fmt: skip


def _open_proposals() -> models.QuerySet[Proposal]:
    return Proposal.objects.filter(kind=MANUAL_RATE, state=ProposalState.OPEN)


def _require_none_open() -> None:
    waiting = _open_proposals().first()
    if waiting is not None:
        raise approvals.ProposalAlreadyOpen(
            kind=MANUAL_RATE, subject_id=waiting.subject_id, proposal_id=str(waiting.pk)
        )


def _request(subject_id: str) -> ManualRateRequest:
    request = ManualRateRequest.objects.filter(pk=int(subject_id)).first() if subject_id.isdecimal() else None
    if request is None:
        raise ManualRateMissing(manual_rate_id=subject_id)
    return request
