"""Changing how many people approve: one person proposes a band, and as many approve it as the one in force asks for."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.app_modules import collect
from sunusav.core.bands import Requirement, bands_in_force, no_amount, requirement
from sunusav.core.errors import Conflict, Invalid, Missing
from sunusav.core.locks import lock
from sunusav.core.models import (
    EVERY_KIND,
    MOST_APPROVALS,
    ApprovalBand,
    ApprovalBandRequest,
    Proposal,
    ProposalState,
    User,
)
from sunusav.core.models.band import BandTerms
from sunusav.core.money import Currency, Money
from sunusav.core.roles import Role
from sunusav.core.standing import deciders

APPROVAL_BAND: Final = "approval_band"
LARGEST_AMOUNT: Final = 10**18


class ApprovalBandMissing(Missing):
    band_request_id: str


class ApprovalBandOutOfRange(Invalid):
    approvals_needed: int
    most_approvals: int


class ApprovalBandAmountMalformed(Invalid):
    """The amount is negative or too large, or has no currency."""

    from_amount: int


class ProposalKindUnknown(Invalid):
    proposal_kind: str


class RoleUnknown(Invalid):
    role: str


class ApprovalBandUnchanged(Conflict):
    """The band in force says the same."""

    approvals_needed: int


class TooFewApprovers(Conflict):
    """Fewer people than a band asks for could approve proposals of a kind, or change that band again."""

    proposal_kind: str
    approvals_needed: int
    people: int


@dataclass(frozen=True)
class BandValue:
    """What is proposed. Without a currency it is for every amount. Units: msat or whole francs."""

    kind: str
    approvals_needed: int
    role: str = ""
    currency: str = ""
    from_amount: int = 0


def propose_band(*, value: BandValue, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose how many people approve a kind of proposal from an amount on. One proposal per band is open at a time.

    Raises: as `require_possible`; ApprovalBandUnchanged, TooFewApprovers; and as `approvals.propose`.
    """
    require_possible(value)
    with transaction.atomic():
        lock(APPROVAL_BAND)
        row = ApprovalBandRequest(**asdict(value), reason=reason, requested_by=proposer, requested_at=now)
        _require_none_open(row)
        _require_another(row)
        _require_enough_people(row)
        row.save(force_insert=True)
        return approvals.propose(
            kind=APPROVAL_BAND, subject_id=str(row.pk), proposer=proposer, now=now, reason=reason
        )


def require_possible(value: BandValue) -> None:
    """Refuse a band that could never be in force.

    Raises: ProposalKindUnknown, RoleUnknown, ApprovalBandOutOfRange, ApprovalBandAmountMalformed.
    """
    if value.kind not in {EVERY_KIND, *_permissions()}:
        raise ProposalKindUnknown(proposal_kind=value.kind)
    if value.role and value.role not in set(Role):
        raise RoleUnknown(role=value.role)
    if not 1 <= value.approvals_needed <= MOST_APPROVALS:
        raise ApprovalBandOutOfRange(approvals_needed=value.approvals_needed, most_approvals=MOST_APPROVALS)
    most = LARGEST_AMOUNT if value.currency in set(Currency) else 0
    if not 0 <= value.from_amount <= most:
        raise ApprovalBandAmountMalformed(from_amount=value.from_amount)


def describe_band(subject_id: str) -> dict[str, Any]:
    """Return the facts to approve: the band, and what is in force for these proposals. Raises: ApprovalBandMissing."""
    row = band_request(subject_id)
    before, newest = in_force_for(row), _newest(row)
    return {
        "proposal_kind": row.kind, **from_amount_fact(row), "approvals_needed": row.approvals_needed,
        "role": row.role, "in_force_approvals": before.approvals_needed, "in_force_roles": sorted(before.roles),
        "version_until_now": newest.version if newest else 0, "reason": row.reason,
    }  # fmt: skip


def from_amount_fact(row: BandTerms) -> dict[str, int]:
    """Return the amount of a band under a name with its unit; nothing for a band of every amount."""
    names = {Currency.MSAT: "from_amount_msat", Currency.XOF: "from_amount_xof"}
    return {names[Currency(row.currency)]: row.from_amount} if row.currency else {}


def approvals_in_force(facts: Mapping[str, Any]) -> int:
    """Return how many approvals a change of a band needs at least: as many as what is in force asks for."""
    return int(facts["in_force_approvals"])


def in_force_for(row: BandTerms) -> Requirement:
    """Return what the bands in force ask for, of proposals to which this band applies from its amount on."""
    return requirement(row.kind, _from_amount(row), bands_in_force())


def needed_with(row: BandTerms) -> Requirement:
    """Return what the bands in force ask for together with this one, of the same proposals as `in_force_for`."""
    return requirement(row.kind, _from_amount(row), _in_force_with(row))


def _from_amount(row: BandTerms) -> Money | None:
    return Money(row.from_amount, Currency(row.currency)) if row.currency else None


def band_request(subject_id: str) -> ApprovalBandRequest:
    """Return the band that a proposal is about. Raises: ApprovalBandMissing."""
    rows = ApprovalBandRequest.objects.filter(pk=int(subject_id) if subject_id.isdecimal() else 0)
    found = rows.first()
    if found is None:
        raise ApprovalBandMissing(band_request_id=subject_id)
    return found


def adopt_band(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Append the next version of a band; called with the last approval.

    Raises: ApprovalBandMissing, TooFewApprovers, ProposalFactsChanged.
    """
    lock(APPROVAL_BAND)
    facts = describe_band(proposal.subject_id)
    approvals.require_as_proposed(proposal, facts)
    row = band_request(proposal.subject_id)
    _require_enough_people(row)
    band = ApprovalBand.objects.create(
        **{field.name: getattr(row, field.name) for field in BandTerms._meta.fields},
        version=facts["version_until_now"] + 1, effective_at=now, request=row, proposal=proposal,
        proposer_id=proposal.proposer_id, approver_id=actor.user_id,
    )  # fmt: skip
    trail.record(
        subject=f"{APPROVAL_BAND}:{row.pk}", action="adopt_band", actor=actor, at=now,
        from_state=str(facts["in_force_approvals"]), to_state=str(row.approvals_needed),
        facts={"band": band.pk, **{name: fact for name, fact in facts.items() if name != "reason"}},
    )  # fmt: skip


def people_for(kind: str, roles: Collection[str]) -> int:
    """Return how many people may approve proposals of a kind; for every kind, of the one with the fewest."""
    permissions = _permissions()
    wanted = permissions.values() if kind == EVERY_KIND else [permissions[kind]]
    return min(deciders(permission, roles).count() for permission in set(wanted))


def _permissions() -> dict[str, str]:
    items: list[approvals.Approvable] = collect("approvables", "APPROVABLES")
    return {item.kind: item.approve_permission for item in items}


def _newest(row: BandTerms) -> ApprovalBand | None:
    return next((band for band in bands_in_force() if band.key == row.key), None)


def _require_none_open(row: ApprovalBandRequest) -> None:
    for proposal in Proposal.objects.filter(kind=APPROVAL_BAND, state=ProposalState.OPEN):
        if band_request(proposal.subject_id).key == row.key:
            raise approvals.ProposalAlreadyOpen(
                kind=APPROVAL_BAND, subject_id=proposal.subject_id, proposal_id=str(proposal.pk)
            )


def _require_another(row: ApprovalBandRequest) -> None:
    newest = _newest(row)
    if newest and (newest.approvals_needed, newest.role) == (row.approvals_needed, row.role):
        raise ApprovalBandUnchanged(approvals_needed=row.approvals_needed)


def _require_enough_people(row: ApprovalBandRequest) -> None:
    """Refuse a band with which the bands in force would together ask for more people than there are.

    Where they ask for no more than before, nothing is judged: a band may be lowered after people have left.
    """
    before, after = bands_in_force(), _in_force_with(row)
    for kind, amount in _changed_by(row, after):
        then = requirement(kind, amount, after)
        if not _is_stricter(then, requirement(kind, amount, before)):
            continue
        needed = then.approvals_needed
        if kind == APPROVAL_BAND:  # lowering a band takes as many approvals as it asks for
            needed = max(band.approvals_needed for band in after)
        _require_people(kind, then.roles, needed)
        _require_people(APPROVAL_BAND, requirement(APPROVAL_BAND, None, after).roles, needed)


def _in_force_with(row: BandTerms) -> list[ApprovalBand]:
    """Return the bands in force once this one is."""
    terms = {field.name: getattr(row, field.name) for field in BandTerms._meta.fields}
    return [*(band for band in bands_in_force() if band.key != row.key), ApprovalBand(**terms)]


def _changed_by(row: BandTerms, after: Iterable[ApprovalBand]) -> Iterator[tuple[str, Money | None]]:
    """Return the kinds and amounts at which what is needed may change: from the band's own amount on, each step up."""
    kinds = sorted(_permissions()) if row.kind == EVERY_KIND else [row.kind]
    for kind in kinds:
        if not row.currency:
            yield kind, None
        if row.kind == kind or approvals.approvable(kind).amount_of is not no_amount:
            steps = {band.key[1:] for band in after if band.currency and band.kind in {kind, EVERY_KIND}}
            for currency, amount in sorted(steps):
                if row.currency in {"", currency} and amount >= row.from_amount:
                    yield kind, Money(amount, Currency(currency))


def _is_stricter(then: Requirement, before: Requirement) -> bool:
    return then.approvals_needed > before.approvals_needed or not then.roles <= before.roles


def _require_people(kind: str, roles: Collection[str], needed: int) -> None:
    people = people_for(kind, roles)
    if people < needed:
        raise TooFewApprovers(proposal_kind=kind, approvals_needed=needed, people=people)
