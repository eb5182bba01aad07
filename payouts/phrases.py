"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "wave": _("wave"),
    "orange": _("orange"),
    "mtn": _("mtn"),
    "phone": _("phone"),
    "collecting": _("collecting"),
    "invoiced": _("Invoiced"),
    "ready": _("ready"),
    "add_member": _("add member"),
    "create": _("create"),
    "set_destination": _("set destination"),
    "ready_check": _("ready check"),
    "take_redeemed_withdrawals": _("take redeemed withdrawals"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "value_sha256": _("digest of the destination"),
    "country": _("country"),
    "cycle_id": _("cycle id"),
    "payout_id": _("payout id"),
    "payout_status": _("payout status"),
    "user_id": _("user id"),
    "winner": _("winner"),
    "index": _("index"),
    "replaced": _("replaced"),
    "value": _("value"),
}
PROPOSALS: dict[str, Any] = {
    "group_verification": _("Verify a group"),
    "group_verification_revocation": _("Withdraw a group's verification"),
}
# By problem code: what is the matter, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "payout-missing": (
        _("There is no such payout."),
        _("Open the cycle's page again."),
    ),
    "payout-needs-review": (
        _("Payout %(payout_id)s of %(cycle_id)s is under review."),
        _("Somebody who may decide on payments has to look at it."),
    ),
    "group-missing": (
        _("Group %(group_id)s does not exist."),
        _("Open the list of groups again."),
    ),
    "group-verified-already": (
        _("Group %(group_id)s is verified already."),
        _("There is nothing to propose."),
    ),
    "group-not-verified": (
        _("Group %(group_id)s is not verified."),
        _("There is nothing to withdraw."),
    ),
}

CODES = {"payout_status", "cycle_status"}
HASHES = {"value_sha256"}
