"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    "refund": _("refund"),
    # States of cycles, payouts and contributions
    "collecting": _("collecting"),
    "ready": _("ready"),
    "paying": _("paying"),
    "invoiced": _("invoiced"),
    "missed": _("not paid in time"),
    "returned": _("returned as credit"),
    # Ways to be paid
    "wave": _("wave"),
    "orange": _("orange"),
    "mtn": _("mtn"),
    "phone": _("phone"),
    # Actions in the trail
    "create": _("create"),
    "change_group": _("change group"),
    "add_member": _("add member"),
    "remove_member": _("remove member"),
    "change_member": _("change member"),
    "erase": _("erase name and phone"),
    "export_person": _("export what is kept about the person"),
    "reveal": _("show name, phone and destinations"),
    "search_by_name": _("search members by name"),
    "search_by_phone": _("search members by phone"),
    "set_destination": _("set destination"),
    "reopen": _("reopen"),
    "close_short": _("close short"),
    "exchange_winner": _("give the turn to another member"),
    # Why money moved in the books
    "contribution_returned": _("contribution returned"),
    # Periodic tasks
    "ready_check": _("ready check"),
    "read_old_credit": _("read old credit"),
    "take_redeemed_withdrawals": _("take redeemed withdrawals"),
}
# What entries of the trail say happened
EVENTS: dict[str, Any] = {
    "cycle.create": _(
        "Cycle created: %(members)s contributions of %(contribution_sats)s, the winner is %(winner)s"
    ),
    "cycle.complete": _("The cycle is ready: contributions settled, %(settled)s of %(members)s"),
    "cycle.close_short": _("Closed short and ready: contributions settled, %(settled)s of %(members)s"),
    "cycle.cancel": _("The cycle is cancelled, and %(returned_sats)s become its members' credit"),
    "cycle.set_destination": _("The winner's destination is set: %(rail)s"),
    "cycle.exchange_winner": _("The turn goes to %(winner)s instead of %(from_winner)s"),
    "cycle.reopen": _("The cycle is reopened: it can be paid again"),
    "group.create": _("Group created"),
    "group.change_group": _("Group changed"),
    "group.add_member": _("Member %(user_id)s added"),
    "group.remove_member": _("Member %(user_id)s removed"),
    "member.change_member": _("Name or phone changed"),
    "member.erase": _("Name, phone and destinations erased"),
    "member.export_person": _("What is kept about the person is exported"),
    "member.reveal": _("Name, phone and destinations are shown to a person"),
    "user.search_by_name": _("Searched members by name"),
    "user.search_by_phone": _("Searched members by phone"),
    "member.exchange_winner": _("The turn in %(cycle_id)s goes to %(winner)s instead of %(from_winner)s"),
}
# What a message to the platform reports, by its topic
TOPICS: dict[str, Any] = {
    "cycle.ready": _("cycle ready"),
    "cycle.cancelled": _("cycle cancelled"),
    "cycle.reopened": _("cycle reopened"),
    "cycle.winner_exchanged": _("turn given to another member"),
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Groups
    "group": _("group"),
    "country": _("country"),
    "settlement_partner": _("settlement partner"),
    "name_before": _("name before"),
    "settlement_partner_before": _("settlement partner before"),
    "user_id": _("user id"),
    "groups": _("groups"),
    "name_changed": _("name changed"),
    "phone_changed": _("phone changed"),
    "phone_replaced": _("phone replaced"),
    "correction": _("correction"),
    "name_changes": _("name changes"),
    "phone_changes": _("phone changes"),
    "stored_digest": _("digest of what is stored"),
    "proposed_digest": _("digest of what is proposed"),
    "system_user": _("user of the system"),
    # Cycles
    "cycle_id": _("cycle id"),
    "index": _("index"),
    "members": _("members"),
    "winner": _("winner"),
    "contribution": _("contribution"),
    "settled": _("contributions settled"),
    "returned": _("returned to the members"),
    "from_winner": _("earlier winner"),
    "destination_digest": _("digest of the destination"),
    "digest_before": _("digest of the destination before"),
    "second_digest": _("digest of the second choice"),
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
    "cycle_cancellation": _("Cancel a cycle"),
    "cycle_short_closing": _("Close a cycle short"),
    "winner_exchange": _("Give a cycle's turn to another member"),
    "cycle_destination": _("Change where a winner is paid"),
    "refund_payment": _("Pay out a member's credit"),
    "cycle_reopening": _("Reopen a cycle whose payout was reversed"),
    "member_erasure": _("Erase a member's name and phone"),
    "member_correction": _("Correct a member's name or phone"),
    "group_verification_revocation": _("Withdraw a group's verification"),
}
# The tone of a state's badge.
TONES = {"partial": "attention", "settled": "good", "paid": "good", "failed": "bad", "missed": "attention"}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "second-choice-same": (
        _("The second choice is the destination itself."),
        _("Give another second choice, or none."),
    ),
    "cycle-cancelled": (
        _("Cycle %(cycle_id)s is cancelled."),
        _("What was paid for it is its members' credit. Begin another cycle."),
    ),
    "cycle-not-collecting": (
        _("Cycle %(cycle_id)s no longer collects."),
        _("It is ready: have it paid out, or cancel it."),
    ),
    "contribution-missed": (
        _("Nobody has to pay this contribution of %(user_id)s any more."),
        _("The cycle has ended. What is still paid becomes the member's credit."),
    ),
    "winner-exchanged": (
        _("The turn was given to %(winner_user_id)s before the link was paid."),
        _("Open a new withdrawal link for the present winner."),
    ),
    "winner-not-member": (
        _("%(winner_user_id)s owes this cycle no contribution."),
        _("Only a member of the cycle may have its turn."),
    ),
    "refund-missing": (
        _("There is no such refund."),
        _("Open the list of refunds again."),
    ),
    "payout-missing": (
        _("There is no such payout."),
        _("Open the cycle's page again."),
    ),
    "payout-needs-review": (
        _("Payout %(payout_id)s of %(cycle_id)s is under review."),
        _("A person who may decide on payments has to review it."),
    ),
    "member-missing": (
        _("Nobody called %(user_id)s was ever a member of a group."),
        _("Open the list of members again."),
    ),
    "member-not-erasable": (
        _(
            "Money of %(user_id)s is outstanding: credit of %(credit_msat)s, open cycles %(open_cycles)s, open requests"
            " %(open_requests)s, open payments %(open_payments)s."
        ),
        _("Refund the credit or move it to another person, and let the rest end or cancel it."),
    ),
    "correction-changes-nothing": (
        _("Nothing would change for %(user_id)s."),
        _("Compare what is stored with the document; propose only what differs."),
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
HASHES = {
    "value_sha256",
    "digest_before",
    "second_digest",
    "destination_digest",
    "stored_digest",
    "proposed_digest",
}
ACTORS = {"requested_by"}
