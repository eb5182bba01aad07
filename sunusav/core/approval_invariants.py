"""Invariants of approvals: four eyes, as many approvals as the bands asked for, and bands that were approved."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from sunusav.core.app_modules import collect
from sunusav.core.approvals import Approvable, digest_of
from sunusav.core.auditing import AuditScope, Breach, Invariant, rows_since
from sunusav.core.band_services import APPROVAL_BAND
from sunusav.core.bands import Requirement, Versions, applies, requirement
from sunusav.core.models import EVERY_KIND, Approval, ApprovalBand, Proposal, ProposalState
from sunusav.core.models.band import BandTerms

# A proposal or a decision of the minute in which a band changed may have read either version.
SAME_MOMENT = timedelta(minutes=1)


@dataclass(frozen=True)
class Rules:
    """All versions of the bands, and the approvables by kind."""

    versions: Versions
    approvables: dict[str, Approvable]

    @classmethod
    def read(cls) -> "Rules":
        items: list[Approvable] = collect("approvables", "APPROVABLES")
        return cls(Versions.read(), {item.kind: item for item in items})

    def around(self, proposal: Proposal, moment: datetime) -> list[Requirement]:
        """Return what the bands asked for shortly before a moment, at it and shortly after it."""
        times = (moment - SAME_MOMENT, moment, moment + SAME_MOMENT)
        return [self._at(proposal, at) for at in times]

    def own_least(self, proposal: Proposal) -> int:
        """Return how many approvals a proposal needs whatever the bands say."""
        what = self.approvables.get(proposal.kind)
        return what.least_approvals(proposal.facts) if what else 1

    def _at(self, proposal: Proposal, at: datetime) -> Requirement:
        what = self.approvables.get(proposal.kind)
        amount = what.amount_of(proposal.facts) if what else None
        applying = [band for band in self.versions.in_force(at) if applies(band, proposal.kind, amount)]
        # Without any, which another invariant names, four eyes still need one approval.
        return requirement(proposal.kind, amount, applying) if applying else Requirement(1, frozenset(), ())


def _four_eyes(scope: AuditScope) -> Iterator[Breach]:
    broken = rows_since(Approval.objects.all(), "decided_at", scope.since).filter(
        Q(approver=F("proposal__proposer")) | ~Q(proposer=F("proposal__proposer"))
    )
    for approval in broken:
        yield Breach(
            "I16",
            f"approval:{approval.pk}",
            "the approver is the proposer, or the proposer copy is untrue",
        )
    for proposal in _approved(scope):
        if proposal.given < proposal.approvals_needed:
            yield Breach(
                "I16", f"proposal:{proposal.pk}", f"{proposal.given} approvals of {proposal.approvals_needed}"
            )


def _as_bands_ask(scope: AuditScope) -> Iterator[Breach]:
    rules = Rules.read()
    for proposal in [*Proposal.objects.filter(state=ProposalState.OPEN), *_approved(scope)]:
        for detail in _wrong_number(proposal, rules):
            yield Breach("I16", f"proposal:{proposal.pk}", detail)


def _wrong_number(proposal: Any, rules: Rules) -> Iterator[str]:
    proposed, least = rules.around(proposal, proposal.proposed_at), rules.own_least(proposal)
    asked = {max(one.approvals_needed, least) for one in proposed}
    if proposal.approvals_needed not in asked:
        yield f"says that it needs {proposal.approvals_needed} approvals; the rules asked for {min(asked)}"
    if proposal.band_id not in {band.pk for one in proposed for band in one.bands}:
        yield f"approval rule {proposal.band_id} was not in force for it"
    if proposal.decided_at is None:
        return
    decided = min(one.approvals_needed for one in rules.around(proposal, proposal.decided_at))
    if proposal.given < decided:
        yield f"{proposal.given} approvals; the rules asked for {decided} when it was decided"
    if proposal.digest != digest_of(proposal.kind, proposal.subject_id, proposal.facts):
        yield "its facts are not those of its digest"


def _bands_approved(scope: AuditScope) -> Iterator[Breach]:
    # People make each, so there are few: a fast audit reads them all too.
    versions = sorted(Versions.read().rows, key=lambda band: (*band.key, band.version))
    if not any(band.key == (EVERY_KIND, "", 0) for band in versions):
        yield Breach("I16", APPROVAL_BAND, "the rule that applies to every proposal is missing")
    for key, bands in groupby(versions, key=lambda band: band.key):
        for number, band in enumerate(bands, start=1):
            for detail in _wrong_band(band, number):
                yield Breach("I16", f"{APPROVAL_BAND}:{band.pk}", f"{key}: {detail}")


def _wrong_band(band: ApprovalBand, number: int) -> Iterator[str]:
    if band.version != number:
        yield f"version {band.version} follows version {number - 1}"
    if band.proposal is None or band.request is None:
        return  # the band that came with the system
    proposal = band.proposal
    of_it = (APPROVAL_BAND, str(band.request_id), ProposalState.APPROVED)
    if (proposal.kind, proposal.subject_id, proposal.state) != of_it:
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of this rule"
    if _terms(band) != _terms(band.request) or band.effective_at != proposal.decided_at:
        yield "it is not what was approved, or not from then on"
    given = proposal.approvals.filter(approver_id=band.approver_id, is_approved=True, digest=proposal.digest)
    if band.proposer_id != proposal.proposer_id or not given.exists():
        yield "it names others than those who proposed and approved it"


def _terms(row: BandTerms) -> list[Any]:
    return [getattr(row, field.attname) for field in BandTerms._meta.fields]


def _approved(scope: AuditScope) -> QuerySet[Proposal, Any]:
    """Return the approved proposals with the number of other people who approved what they say."""
    decided = Proposal.objects.filter(state=ProposalState.APPROVED)
    if scope.since is not None:
        # Not `rows_since`: a proposal may be decided long after it was made. People make each, so there are few.
        decided = decided.filter(decided_at__gte=scope.since)
    by_another = Q(approvals__is_approved=True, approvals__digest=F("digest")) & ~Q(
        approvals__approver=F("proposer")
    )
    return decided.annotate(given=Count("approvals__approver", filter=by_another, distinct=True))


APPROVAL_INVARIANTS = [
    Invariant("I16", "four eyes: enough approvals, none by the proposer", _four_eyes),
    Invariant("I16", "as many approvals as the rules in force asked for", _as_bands_ask),
    Invariant("I16", "each rule about approvals was approved", _bands_approved),
]
