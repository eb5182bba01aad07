"""Rails that are switched off: their payments are deferred, and go on as soon as two people have switched them on.

Refused credentials switch a rail off at once. Until that is committed, `call_while_accepted` keeps the other threads of
this process from calling it: a wrong PIN blocks the wallet after a few tries.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final, TypeVar

from django.db.models import Exists

from sunusav.core.actors import Actor
from sunusav.core.approvals import require_as_proposed
from sunusav.core.models import Proposal
from sunusav.core.wake_ups import wake
from transfers import sql
from transfers.engine.breaker import Sending, deferral_by_breaker
from transfers.engine.claims import open_attempts
from transfers.engine.deferring import RESUMED_AT_ONCE, WAIT_COLUMNS, make_due, make_waiting_due
from transfers.engine.policy import DEFER_FOR
from transfers.enums import DeferralCode, FailureClass
from transfers.errors import RailCredentialsRefused, RailUnavailable
from transfers.models import Disbursement
from transfers.services.disbursements import RUN_DUE_TASK
from transfers.services.switches import (
    Change,
    facts_of_switch,
    locked_switch,
    set_switch,
    switch_off_for_credentials,
)
from transfers.types import Deferral, Refused, UnusableRails

Answer = TypeVar("Answer")
# If the switch could not be stored, calls go on after this: the next refusal stores it.
HELD_SECONDS: Final = 60.0
_refused_at_seconds: dict[str, float] = {}


def deferral_while_off(rail_name: str, *, now: datetime) -> Deferral:
    """Return the deferral of payments by a rail that is switched off; switching it on ends it."""
    return Deferral(DeferralCode.RAIL_SWITCHED_OFF, {"rail": rail_name}, now + DEFER_FOR)


def deferrals_by_rails(payments: Sequence[Sending], /, *, now: datetime) -> list[Deferral | None]:
    """Return for each payment its deferral if its rail is switched off or stopped; one statement while none is."""
    unusable = sql.unusable_rail_names()
    return [_deferral(one, unusable, now=now) for one in payments]


def _deferral(one: Sending, unusable: UnusableRails, *, now: datetime) -> Deferral | None:
    if one.rail in unusable.switched_off:
        return deferral_while_off(one.rail, now=now)
    if one.rail in unusable.stopped:
        return deferral_by_breaker(one.rail, disbursement_id=one.disbursement_id, now=now)
    return None


def call_while_accepted(rail_name: str, call: Callable[[], Answer]) -> Answer:
    """Make a call of a rail that may send, in a thread, unless another has just learnt that credentials are refused.

    Raises: RailUnavailable, and what the call raises.
    """
    refused_at_seconds = _refused_at_seconds.get(rail_name)
    if refused_at_seconds is not None and monotonic() < refused_at_seconds + HELD_SECONDS:
        raise RailUnavailable(rail=rail_name, detail="it has just refused our credentials")
    try:
        answer = call()
    except RailCredentialsRefused:
        _refused_at_seconds[rail_name] = monotonic()
        raise
    if refusal_in(answer, rail_name) is not None:
        _refused_at_seconds[rail_name] = monotonic()
    return answer


def refusal_in(answer: Any, rail_name: str) -> RailCredentialsRefused | None:
    """Return the refusal of our credentials that an answer about an order contains."""
    is_refused = isinstance(answer, Refused) and answer.failure == FailureClass.STOP
    return RailCredentialsRefused(rail=rail_name, detail=answer.reason) if is_refused else None


def switch_off_refused(refusal: RailCredentialsRefused, *, asked_at: datetime, now: datetime) -> None:
    """Switch off a rail that refuses our credentials; from then on its stored switch holds calls back."""
    switch_off_for_credentials(refusal, asked_at=asked_at, now=now)
    _refused_at_seconds.pop(refusal.rail, None)


def switch_on(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Switch a provider on, once a second person has approved, and let its payments go.

    Raises: ProviderNotSwitchedOff, ProposalFactsChanged when a reason was added after the approval had read the facts.
    """
    row = locked_switch(proposal.subject_id)
    require_as_proposed(proposal, facts_of_switch(row))
    set_switch(row, Change(is_on=True, reason=proposal.reason, said=proposal.reason), actor=actor, now=now)
    make_waiting_due(row.provider, DeferralCode.RAIL_SWITCHED_OFF, now=now)
    _make_open_due(row.provider, now=now)


def _make_open_due(rail_name: str, *, now: datetime) -> None:
    """Have the provider asked at once about open attempts by a rail, some of which were not sent while it was off."""
    its_own = Exists(open_attempts().filter(order__rail=rail_name))
    waiting = Disbursement.objects.filter(its_own, due_at__gt=now).order_by("due_at").only(*WAIT_COLUMNS)
    if make_due(list(waiting[:RESUMED_AT_ONCE]), now=now):
        wake(RUN_DUE_TASK)
