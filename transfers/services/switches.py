"""Switches of providers: one person switches a provider off at once, and so does the engine; two people switch it on.

While a provider is off nothing new is sent by its rail, and no new request for money is opened by its collector. What
is under way is still asked about, and what arrives is still booked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.outbox import announce
from sunusav.core.switches import is_last_reason, with_reason_added
from sunusav.core.transactions import retried_on_deadlock
from transfers.errors import CollectorCredentialsRefused, CollectorSwitchedOff, RailCredentialsRefused
from transfers.models import ProviderSwitch
from transfers.queries import is_switched_off
from transfers.switch_errors import ProviderNotSwitchedOff, ProviderUnknown

ENGINE: Final = Actor.system("transfers.engine")
Answer = TypeVar("Answer")
_POSITIONS: Final = {True: "on", False: "off"}
_ACTIONS: Final = {True: "switch_on", False: "switch_off"}
_TOPICS: Final = {True: "rail.switched_on", False: "rail.switched_off"}


@dataclass(frozen=True)
class Change:
    """How a switch is set. `said` is what a person gives as the reason now, `reason` what is stored of all of them.

    `code` and `facts` are the engine's own cause.
    """

    is_on: bool
    reason: str
    said: str = ""
    code: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def subject_of_provider(provider: str) -> str:
    """Return the subject of a provider in the trail: that of its rail."""
    return f"rail:{provider}"


def providers() -> list[str]:
    """Return the names that have a switch: those of all rails and collectors."""
    return sorted({*settings.RAILS, *settings.COLLECTORS})


def switch_of(provider: str) -> ProviderSwitch:
    """Return the switch of a provider; it is on until somebody switches it off for the first time."""
    return ProviderSwitch.objects.filter(pk=provider).first() or ProviderSwitch(provider=provider)


def require_collector_on(method: str) -> None:
    """Raise CollectorSwitchedOff unless new requests for money may be opened."""
    if is_switched_off(method):
        raise CollectorSwitchedOff(method=method)


def switch_off(*, provider: str, actor: Actor, reason: str, now: datetime) -> ProviderSwitch:
    """Switch a provider off, or add a reason when it is off already.

    A proposal to switch it on that was made before the new reason can no longer be approved. Repeating the last reason
    changes nothing. Raises: ProviderUnknown.
    """
    if provider not in providers():
        raise ProviderUnknown(provider=provider, known_providers=providers())
    with transaction.atomic():
        row = locked_switch(provider)
        is_same = row.changed_by == actor.label and is_last_reason(row.reason, reason)
        if row.is_on or not is_same:
            stored = with_reason_added("" if row.is_on else row.reason, reason)
            change = Change(is_on=False, reason=stored, said=reason, code=row.code, facts=row.facts)
            set_switch(row, change, actor=actor, now=now)
    return row


@retried_on_deadlock
def switch_off_for_credentials(
    refusal: RailCredentialsRefused | CollectorCredentialsRefused, *, asked_at: datetime, now: datetime
) -> None:
    """Switch a provider off that refuses our credentials, in a transaction of its own; repeats change nothing.

    A refusal of a call that was made before people switched it on says nothing about the credentials of now.
    """
    provider = refusal.facts["rail" if isinstance(refusal, RailCredentialsRefused) else "collector"]
    with transaction.atomic():
        row = locked_switch(provider)
        is_outdated = row.is_on and row.changed_at is not None and asked_at < row.changed_at
        if row.code or is_outdated:
            return
        said_before = "" if row.is_on else row.reason
        change = Change(is_on=False, reason=said_before, code=refusal.code, facts=refusal.stored_facts)
        set_switch(row, change, actor=ENGINE, now=now)


def ask_collector(call: Callable[[], Answer], *, now: datetime) -> Answer:
    """Call a collector; one that refuses our credentials is switched off. Called outside any transaction."""
    try:
        return call()
    except CollectorCredentialsRefused as refusal:
        switch_off_for_credentials(refusal, asked_at=now, now=now)
        raise


def describe_switch_on(subject_id: str) -> dict[str, Any]:
    """Return the facts that switching on is approved on: who switched it off, when and why.

    Raises: ProviderNotSwitchedOff.
    """
    return facts_of_switch(switch_of(subject_id))


def facts_of_switch(row: ProviderSwitch) -> dict[str, Any]:
    """Return the facts of a switch that is off. Raises: ProviderNotSwitchedOff."""
    if row.is_on:
        raise ProviderNotSwitchedOff(provider=row.provider)
    return {
        "provider": row.provider,
        "switched_off_at": row.changed_at.isoformat() if row.changed_at else "",
        "switched_off_by": row.changed_by,
        "switch_off_reason": row.reason,
        "switch_off_cause": row.code,
        "cause_detail": row.facts.get("detail", ""),
    }


def locked_switch(provider: str) -> ProviderSwitch:
    """Return the switch of a provider under its lock, in the caller's transaction."""
    ProviderSwitch.objects.get_or_create(provider=provider)
    return ProviderSwitch.objects.select_for_update().get(pk=provider)


def set_switch(row: ProviderSwitch, change: Change, *, actor: Actor, now: datetime) -> None:
    """Set a locked switch, append it to the trail, and announce to the platform that it was switched."""
    before = _POSITIONS[row.is_on]
    row.is_on, row.reason, row.code, row.facts = change.is_on, change.reason, change.code, change.facts
    row.changed_by, row.changed_at = actor.label, now
    row.save(update_fields=["is_on", "reason", "code", "facts", "changed_by", "changed_at"])
    after, subject = _POSITIONS[row.is_on], subject_of_provider(row.provider)
    trail.record(
        subject=subject, action=_ACTIONS[row.is_on], from_state=before, to_state=after, actor=actor, at=now,
        reason=change.said, facts={} if change.said else {"code": row.code, **row.facts},
    )  # fmt: skip
    if before != after:
        payload = {"rail": row.provider, "state": after, "code": row.code}
        announce(topic=_TOPICS[row.is_on], subject=subject, payload=payload, at=now)
