"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # States of drafts
    "draft": _("draft"),
    "published": _("published"),
    "discarded": _("discarded"),
    # Kinds of discounts
    "verified_group": _("verified group"),
    "subscription": _("subscription"),
    # Actions in the trail
    "publish": _("publish"),
    "discard": _("discard"),
    "grant": _("grant"),
    "revoke": _("revoke"),
    "reverse_fee": _("reverse fee"),
}
# What entries of the trail say happened. A fee is given back under the subject that its caller named.
EVENTS: dict[str, Any] = {
    "fee_schedule.publish": _("Fee schedule published as version %(version)s"),
    "fee_schedule.discard": _("Draft discarded"),
    "discount.grant": _("Discount granted: %(kind)s"),
    "discount.revoke": _("Discount withdrawn: %(kind)s"),
    "reverse_fee": _("The fee is given back: %(fee_sats)s"),
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Fee schedules
    "version": _("version"),
    "effective_at": _("effective at"),
    "note": _("note"),
    "brackets": _("brackets"),
    "base_rate": _("base rate"),
    "minimum_fee": _("minimum fee"),
    "maximum_fee": _("maximum fee"),
    "verified_discount": _("verified discount"),
    "recurring_discount": _("recurring discount"),
    "platform_share": _("platform share"),
    "community_share": _("community share"),
    "override_cap": _("override cap"),
    # Discounts
    "grant": _("grant"),
    "discount": _("discount"),
    "for": _("for"),
    # Fee records
    "record": _("record"),
    "reversal": _("reversal"),
    "fee": _("fee"),
}
PROPOSALS: dict[str, Any] = {
    "fee_schedule": _("Publish a fee schedule"),
}
# The tone of a state's badge.
TONES = {"published": "good"}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "net-not-positive": (
        _("The fee would consume the whole payout."),
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
        _("%(holder)s already has this discount."),
        _("There is nothing to approve; reject the proposal."),
    ),
    "discount-not-granted": (
        _("%(holder)s does not have this discount."),
        _("There is nothing to approve; reject the proposal."),
    ),
}
CODES = {"settlement_partner"}
SUBJECTS = {"disbursement_ref", "holder"}
