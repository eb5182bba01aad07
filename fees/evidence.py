"""What an approver reads beside a draft of a fee schedule: its rules and worked examples beside those in force."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fees.calculations import BPS, cliffs, compared, steepest_rise
from fees.defaults import EPOCH
from fees.models import FeeScheduleDraft
from fees.queries import schedule_at, terms_of_draft
from fees.services import FEE_SCHEDULE
from fees.types import Comparison, FeeSplit, ScheduleTerms
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence, TypedFigure
from sunusav.backoffice.facts import moment
from sunusav.backoffice.money import NOTHING, show_bps, show_ppm, show_sats
from sunusav.backoffice.sections import Box, Table
from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.phrasing import enumerated

WHO = {
    "standard": _("standard"),
    "verified_group": _("verified group"),
    "recurring_user": _("winner with a subscription"),
    "verified_recurring": _("both"),
}
PUBLISHED_FOLLOWS = _(
    "From %(at)s on, the fees of all payouts are computed by this version. Fees that are fixed before do not change."
)
CLIFF = _(
    "At %(start)s the winner receives less than one sat below: %(at)s instead of %(below)s. A slightly larger payout"
    " leaves less."
)
RISE = _("The fee of %(payout)s (%(who)s) rises by more than half: from %(before)s to %(after)s.")
ANOTHER_BETWEEN = _("Version %(version)s takes effect before it, and is the one that it replaces then.")
CHECK_EXAMPLES = _(
    "Read the examples below: they are computed by the rules exactly as they would be published."
)


@evidence_for(FEE_SCHEDULE)
def schedule_evidence(proposal: Proposal) -> Evidence:
    """Show every rule before and after, and worked examples side by side."""
    draft, now = FeeScheduleDraft.objects.get(pk=int(proposal.subject_id)), clock.now()
    before, after = schedule_at(now), terms_of_draft(draft)
    examples = compared(before, after)
    return Evidence(
        Box(IF_APPROVED, PUBLISHED_FOLLOWS % {"at": moment(after.effective_at)}, steps=[CHECK_EXAMPLES]),
        _changes(before, after),
        figures=(_examples(examples),),
        warnings=list(_warnings(before, after, examples)),
        typed=unusual_schedule(draft),
    )


def unusual_schedule(draft: FeeScheduleDraft) -> TypedFigure | None:
    """Return the figure to type again when a fee rises by more than half, or a border of brackets is a cliff."""
    after = terms_of_draft(draft)
    if not any(bracket.from_sats == 0 for bracket in after.brackets):
        return None  # it is refused when it is proposed
    rise = steepest_rise(compared(schedule_at(clock.now()), after))
    if rise is not None:
        return TypedFigure(str(rise.after.fee_sats), show_sats(rise.after.fee_sats), _rise(rise))
    for cliff in cliffs(after):
        facts = _cliff_facts(cliff.from_sats, cliff.net_at_sats, cliff.net_below_sats)
        return TypedFigure(str(cliff.from_sats), show_sats(cliff.from_sats), CLIFF % facts)
    return None


def _warnings(before: ScheduleTerms, after: ScheduleTerms, examples: Sequence[Comparison]) -> Iterator[Any]:
    rise = steepest_rise(examples)
    if rise is not None:
        yield _rise(rise)
    for cliff in cliffs(after):
        yield CLIFF % _cliff_facts(cliff.from_sats, cliff.net_at_sats, cliff.net_below_sats)
    then = schedule_at(after.effective_at)
    if then.version != before.version:
        yield ANOTHER_BETWEEN % {"version": then.version}


def _rise(one: Comparison) -> Any:
    return RISE % {
        "payout": show_sats(one.payout_sats), "who": WHO[one.tier], "before": show_sats(one.before.fee_sats),
        "after": show_sats(one.after.fee_sats),
    }  # fmt: skip


def _cliff_facts(start_sats: int, at_sats: int, below_sats: int) -> dict[str, str]:
    return {"start": show_sats(start_sats), "at": show_sats(at_sats), "below": show_sats(below_sats)}


def _changes(before: ScheduleTerms, after: ScheduleTerms) -> list[tuple[Any, ...]]:
    both = (before, after)
    partner = [show_bps(BPS - one.platform_share_bps - one.community_share_bps) for one in both]
    rows = [
        (_("Version"), [before.version, _("the next one")]),
        (_("Takes effect"), [_since(one) for one in both]),
        (_("Fee by payout"), [_brackets(one) for one in both]),
        (_("Minimum fee"), [show_sats(one.minimum_fee_sats) for one in both]),
        (_("Maximum fee"), [show_sats(one.maximum_fee_sats) for one in both]),
        (_("Discount of verified groups"), [show_bps(one.verified_discount_bps) for one in both]),
        (_("Discount of winners with a subscription"), [show_bps(one.recurring_discount_bps) for one in both]),
        (_("Share of the platform"), [show_bps(one.platform_share_bps) for one in both]),
        (_("Share of the community fund"), [show_bps(one.community_share_bps) for one in both]),
        (_("Share of the partner"), partner),
        (_("Highest base rate by exception"), [show_ppm(one.override_cap_ppm) for one in both]),
    ]  # fmt: skip
    return [(label, then, now) for label, (then, now) in rows]


def _since(one: ScheduleTerms) -> Any:
    return _("from the start") if one.effective_at <= EPOCH else moment(one.effective_at)


def _brackets(one: ScheduleTerms) -> str:
    return show_brackets([(bracket.from_sats, bracket.base_rate_ppm) for bracket in one.brackets])


def _examples(examples: Sequence[Comparison]) -> Table:
    heads = (
        _("payout"), _("who"), _("fee before"), _("fee after"), _("net before"), _("net after"),
        _("platform + fund + partner before"), _("platform + fund + partner after"),
    )  # fmt: skip
    rows = [
        (
            show_sats(one.payout_sats), WHO[one.tier], show_sats(one.before.fee_sats),
            show_sats(one.after.fee_sats), show_sats(one.before.net_sats), show_sats(one.after.net_sats),
            _split(one.before), _split(one.after),
        )
        for one in examples
    ]  # fmt: skip
    return Table(_("Worked examples"), heads, rows, anchor="examples", stacks=True)


def _split(one: FeeSplit) -> str:
    if one.fee_sats == 0:
        return NOTHING
    parts = (one.platform_sats, one.community_sats, one.partner_sats)
    return " + ".join(show_sats(part).removesuffix("\u00a0sats") for part in parts)


def show_brackets(brackets: Sequence[tuple[int, int]]) -> str:
    """Show brackets given as pairs of an amount in sats and a rate in ppm."""
    return enumerated(
        gettext("from %(amount)s: %(rate)s") % {"amount": show_sats(from_sats), "rate": show_ppm(rate_ppm)}
        for from_sats, rate_ppm in brackets
    )
