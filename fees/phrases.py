"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "discarded": _("discarded"),
    "draft": _("draft"),
    "published": _("published"),
    "subscription": _("Subscription"),
    "verified_group": _("Verified Group"),
    "discard": _("discard"),
    "publish": _("publish"),
    "reverse_fee": _("reverse fee"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "base_rate": _("base rate"),
    "base_rate_ppm": _("base rate ppm"),
    "community": _("community"),
    "discount_bps": _("discount bps"),
    "effective_at": _("effective at"),
    "for": _("for"),
    "grant": _("grant"),
    "group_ref": _("group ref"),
    "net": _("net"),
    "note": _("note"),
    "platform": _("platform"),
    "record": _("record"),
    "recurring": _("recurring"),
    "reversal": _("reversal"),
    "settlement_partner": _("settlement partner"),
    "verified": _("verified"),
    "winner_ref": _("winner ref"),
    "fee": _("fee"),
}
PROPOSALS: dict[str, Any] = {
    "fee_schedule": _("Publish a fee schedule"),
}
# By problem code: what is the matter, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "net-not-positive": (
        _("The fee would take the whole payout."),
        _("Look at the fee schedule in force."),
    ),
    "fee-schedule-draft-missing": (
        _("Draft %(draft_id)s does not exist."),
        _("Open the list of drafts again."),
    ),
    "fee-schedule-draft-closed": (
        _("Draft %(draft_id)s is closed: %(draft_state)s."),
        _("Start a new draft."),
    ),
    "fee-schedule-draft-incomplete": (
        _("Draft %(draft_id)s has no bracket that starts at 0 sats."),
        _("Add one, so that every payout has a fee."),
    ),
    "fee-schedule-effective-too-soon": (
        _("Draft %(draft_id)s takes effect too soon: at the earliest %(earliest_at)s."),
        _("Set a later date, and leave time for the approval."),
    ),
    "discount-already-granted": (
        _("%(holder)s has this discount already."),
        _("There is nothing to approve; reject the proposal."),
    ),
    "discount-not-granted": (
        _("%(holder)s does not have this discount."),
        _("There is nothing to approve; reject the proposal."),
    ),
}
