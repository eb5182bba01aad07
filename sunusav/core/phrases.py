"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "approved": _("approved"),
    "open": _("open"),
    "rejected": _("rejected"),
    "withdrawn": _("withdrawn"),
    "closed": _("closed"),
    "approve": _("approve"),
    "pause": _("pause"),
    "propose": _("propose"),
    "reject": _("reject"),
    "resume": _("resume"),
    "withdraw": _("withdraw"),
    "paused": _("paused"),
    "seal_the_trail": _("seal the trail"),
    "lapse": _("lapse"),
    "what_it_showed_has_changed": _("what it showed has changed"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "id": _("id"),
    "action": _("action"),
    "actor": _("actor"),
    "at": _("at"),
    "digest": _("digest"),
    "facts": _("facts"),
    "from": _("from"),
    "kind": _("kind"),
    "name": _("name"),
    "pause_reason": _("pause reason"),
    "paused_at": _("paused at"),
    "paused_by": _("paused by"),
    "reason": _("reason"),
    "state": _("state"),
    "subject": _("subject"),
    "task": _("task"),
    "queue": _("queue"),
    "to": _("to"),
}
PROPOSALS: dict[str, Any] = {
    "outgoing_resume": _("Resume outgoing money"),
}
# By problem code: what is the matter, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "proposal-missing": (
        _("Proposal %(proposal_id)s does not exist."),
        _("Open the list of proposals again."),
    ),
    "proposal-already-open": (
        _("Proposal %(proposal_id)s already asks for this."),
        _("Have somebody else decide on it, or withdraw it first."),
    ),
    "proposal-not-open": (
        _("This proposal is closed: %(proposal_state)s."),
        _("Nothing is left to do on it; propose anew if it is still needed."),
    ),
    "approver-is-proposer": (
        _("You proposed this, so you cannot decide on it."),
        _("Ask another person who may approve it."),
    ),
    "approver-decided-already": (
        _("You decided on this proposal already."),
        _("Another person has to give the next decision."),
    ),
    "not-allowed-to-decide": (
        _("Your role does not allow this (%(permission)s)."),
        _("Ask a colleague who has the right."),
    ),
    "proposal-facts-changed": (
        _("What is there now is not what was proposed, so nothing was approved."),
        _("Reject this proposal, or have it withdrawn, and have it proposed anew."),
    ),
    "rejection-needs-reason": (
        _("A rejection needs a reason."),
        _("Write what is wrong, so that the proposer can mend it."),
    ),
    "second-factor-not-enrolled": (
        _("You have no one-time code device yet, and this needs one."),
        _("Ask an administrator to run enrol_totp for you."),
    ),
    "second-factor-refused": (
        _("The one-time code is missing, wrong, or used already."),
        _("Wait for the next code and enter that one."),
    ),
    "outgoing-paused": (
        _("Outgoing money is paused (%(reason)s)."),
        _("Find out why; one person proposes to resume, another approves."),
    ),
    "outgoing-not-paused": (
        _("Outgoing money is not paused."),
        _("There is nothing to resume."),
    ),
    "transition-not-allowed": (
        _("%(subject)s cannot go from %(from_state)s to %(to_state)s."),
        _("Open its page again and look at its trail."),
    ),
    "state-changed": (
        _("%(subject)s was changed by somebody else at the same moment."),
        _("Open its page again; it is no longer %(expected_state)s."),
    ),
    "outside-address-forbidden": (
        _("This address is never asked (%(reason)s)."),
        _("Ask the recipient for an address on the public web, or for an invoice."),
    ),
    "onion-address-unsupported": (
        _("Addresses on the Tor network are not supported (%(host)s)."),
        _("Ask the recipient for an address on the public web, or for an invoice."),
    ),
}

CODES = {"action", "from_state", "to_state", "state", "status", "kind", "code"}
ACTORS = {"actor_label"}
SUBJECTS = {"subject"}
