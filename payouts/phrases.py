"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # States of cycles, payouts and contributions
    "collecting": _("collecting"),
    "ready": _("ready"),
    "paying": _("paying"),
    "invoiced": _("invoiced"),
    # Ways to be paid
    "wave": _("wave"),
    "orange": _("orange"),
    "mtn": _("mtn"),
    "phone": _("phone"),
    # Actions in the trail
    "create": _("create"),
    "add_member": _("add member"),
    "set_destination": _("set destination"),
    "reopen": _("reopen"),
    # Periodic tasks
    "ready_check": _("ready check"),
    "take_redeemed_withdrawals": _("take redeemed withdrawals"),
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Groups
    "group": _("group"),
    "country": _("country"),
    "settlement_partner": _("settlement partner"),
    "user_id": _("user id"),
    # Cycles
    "cycle_id": _("cycle id"),
    "index": _("index"),
    "members": _("members"),
    "winner": _("winner"),
    "contribution": _("contribution"),
    "payout_total": _("payout total"),
    "replaced": _("replaced"),
    "second_rail": _("second rail"),
    "second_kind": _("second kind"),
    "second_replaced": _("second choice replaced"),
    "pot": _("pot"),
    # Payouts
    "payout_id": _("payout id"),
    "reversed_payment": _("reversed payment"),
    "payout_status": _("payout status"),
}
PROPOSALS: dict[str, Any] = {
    "group_verification": _("Verify a group"),
    "cycle_reopening": _("Reopen a cycle whose payout was reversed"),
    "group_verification_revocation": _("Withdraw a group's verification"),
}
# The tone of a state's badge.
TONES = {"partial": "attention", "settled": "good", "paid": "good", "failed": "bad"}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "second-choice-same": (
        _("The second choice is the destination itself."),
        _("Give another second choice, or none."),
    ),
    "payout-missing": (
        _("There is no such payout."),
        _("Open the cycle's page again."),
    ),
    "payout-needs-review": (
        _("Payout %(payout_id)s of %(cycle_id)s is under review."),
        _("A person who may decide on payments has to review it."),
    ),
    "cycle-not-reversed": (
        _("Cycle %(cycle_id)s (%(cycle_status)s) is not waiting to be reopened."),
        _("Only a cycle whose payout was reversed is reopened, once. Open its page again."),
    ),
    "group-missing": (
        _("Group %(group_id)s does not exist."),
        _("Open the list of groups again."),
    ),
    "group-verified-already": (
        _("Group %(group_id)s is already verified."),
        _("There is nothing to propose."),
    ),
    "group-not-verified": (
        _("Group %(group_id)s is not verified."),
        _("There is nothing to withdraw."),
    ),
}

CODES = {"payout_status", "cycle_status", "destination_rail", "second_rail", "second_kind"}
HASHES = {"value_sha256"}
