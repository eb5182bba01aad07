"""What an approver reads beside the verification of a group, or its revocation: the fee of its usual pot."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from fees.queries import quote
from fees.types import FeeSplit
from payouts.enums import GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION
from payouts.queries.groups import group_figures
from payouts.types import GroupFigures
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.money import show_sats
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.models import Proposal

# The pot by which a group is judged that has had no cycle yet.
EXAMPLE_POT_SATS: Final = 100_000
LOWER_FEES = _(
    "From the approval on, payouts of %(group)s cost the lower fee. Fees that are fixed do not change."
)
FULL_FEES = _(
    "From the approval on, payouts of %(group)s cost the full fee. Fees that are fixed do not change."
)
CHECK_PAPERS = _("Check the papers of the group: who leads it, and that its members are people.")
NO_CYCLE_YET = _("The group has had no cycle yet: the figures are those of an example of %(amount)s.")


@evidence_for(GROUP_VERIFICATION)
def verification_evidence(proposal: Proposal) -> Evidence:
    """Show what a verified group pays, beside what it pays now."""
    return _evidence(proposal, LOWER_FEES, verified_now=False)


@evidence_for(GROUP_VERIFICATION_REVOCATION)
def revocation_evidence(proposal: Proposal) -> Evidence:
    """Show what a group pays that is no longer verified, beside what it pays now."""
    return _evidence(proposal, FULL_FEES, verified_now=True)


def _evidence(proposal: Proposal, says: Any, *, verified_now: bool) -> Evidence:
    figures = group_figures(proposal.subject_id)
    pot_sats = figures.usual_pot_sats or EXAMPLE_POT_SATS
    before, after = (
        _split(pot_sats, verified=is_verified) for is_verified in (verified_now, not verified_now)
    )
    warnings = [] if figures.usual_pot_sats else [NO_CYCLE_YET % {"amount": show_sats(EXAMPLE_POT_SATS)}]
    return Evidence(
        Box(IF_APPROVED, says % {"group": proposal.facts["name"]}, steps=[CHECK_PAPERS]),
        _changes(before, after, verified_now=verified_now),
        _effect(figures, pot_sats, after.fee_sats - before.fee_sats),
        warnings=warnings,
    )


def _split(pot_sats: int, *, verified: bool) -> FeeSplit:
    return quote(pot_sats, group_verified=verified, user_recurring=False, at=clock.now()).split


def _changes(before: FeeSplit, after: FeeSplit, *, verified_now: bool) -> list[tuple[Any, ...]]:
    yes, no = _("Yes"), _("No")
    return [
        (_("Verified"), yes if verified_now else no, no if verified_now else yes),
        (_("Fee of the usual pot"), show_sats(before.fee_sats), show_sats(after.fee_sats)),
        (_("Net of the winner"), show_sats(before.net_sats), show_sats(after.net_sats)),
        (_("Share of the platform"), show_sats(before.platform_sats), show_sats(after.platform_sats)),
        (_("Share of the community fund"), show_sats(before.community_sats), show_sats(after.community_sats)),
        (_("Share of the partner"), show_sats(before.partner_sats), show_sats(after.partner_sats)),
    ]


def _effect(figures: GroupFigures, pot_sats: int, change_sats: int) -> list[tuple[Any, Any]]:
    return [
        (_("Usual pot"), show_sats(pot_sats)),
        (_("Members"), figures.members),
        (_("Cycles that are not finished"), figures.unfinished_cycles),
        (_("Fees per cycle"), show_sats(change_sats) if change_sats < 0 else f"+{show_sats(change_sats)}"),
    ]
