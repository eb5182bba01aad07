"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # Components of the health
    "health.ok": _("well"),
    "health.degraded": _("not well"),
    "health.down": _("down"),
    "health.database": _("database"),
    "health.encryption": _("encryption of personal data"),
    # States of proposals and of the switch
    "open": _("open"),
    "approved": _("approved"),
    "rejected": _("rejected"),
    "withdrawn": _("withdrawn"),
    "paused": _("paused"),
    # Switches
    "outgoing": _("outgoing"),
    # Exports
    "preparing": _("being prepared"),
    "ready": _("ready"),
    "csv": _("CSV"),
    "xlsx": _("XLSX"),
    "pdf": _("PDF"),
    "request_export": _("request export"),
    "cancel_export": _("cancel export"),
    "finish_export": _("finish export"),
    "fail_export": _("export fails"),
    "download_export": _("download export"),
    "delete_expired_export": _("delete expired export"),
    # Attachments
    "application/pdf": _("PDF"),
    "image/png": _("PNG"),
    "image/jpeg": _("JPEG"),
    "attach": _("attach file"),
    "download_attachment": _("download attachment"),
    # Roles
    "platform": _("platform"),
    "finance": _("finance"),
    "approver": _("approver"),
    "auditor": _("auditor"),
    "operator": _("operator"),
    # Actions in the trail
    "propose": _("propose"),
    "approve": _("approve"),
    "reject": _("reject"),
    "withdraw": _("withdraw"),
    "lapse": _("lapse"),
    "pause": _("pause"),
    "resume": _("resume"),
    "adopt_band": _("adopt approval rule"),
    "approval_band": _("approval rule"),
    # Why a proposal lapsed; older trail entries hold it as their reason, with spaces
    "what_it_showed_has_changed": _("what it showed has changed"),
    # Why an address is refused
    "unreadable": _("unreadable"),
    "too-long": _("too long"),
    "not-https": _("not https"),
    "port-not-allowed": _("port not allowed"),
    "user-information": _("contains user information"),
    "not-a-name": _("not a host name"),
    "not-public": _("not public"),
    # The second factor and sessions
    "reset_second_factor": _("reset second factor"),
    "make_recovery_codes": _("make recovery codes"),
    "use_recovery_code": _("use recovery code"),
    "end_sessions": _("end sessions"),
    "give_wrong_codes": _("wrong codes after the password"),
    # Periodic tasks
    "compute_daily_figures": _("compute daily figures"),
    "seal_the_trail": _("seal the trail"),
}
# What entries of the trail say happened; `what` is the name of what is proposed.
EVENTS: dict[str, Any] = {
    "user.make_recovery_codes": _("Recovery codes made: %(recovery_codes)s"),
    "user.use_recovery_code": _("Recovery code used, %(recovery_codes)s left"),
    "user.end_sessions": _("Sessions ended: %(sessions)s"),
    "user.give_wrong_codes": _("Wrong codes after the right password: %(wrong_codes)s in a day"),
    "user.reset_second_factor": _("Second factor reset by two people"),
    "proposal.propose": _("Proposed: %(what)s"),
    "proposal.approve": _("Approved: %(what)s"),
    "proposal.reject": _("Refused: %(what)s"),
    "proposal.withdraw": _("Proposal withdrawn: %(what)s"),
    "proposal.lapse": _("Proposal void, since what it showed has changed: %(what)s"),
    "switch.pause": _("Outgoing money is paused"),
    "switch.resume": _("Outgoing money is resumed"),
    "approval_band.adopt_band": _("Rule of approvals in force"),
    "export.request_export": _("Export requested"),
    "export.cancel_export": _("Export cancelled"),
    "export.fail_export": _("The export failed"),
    "export.finish_export": _("The file of the export is ready"),
    "export.download_export": _("The file of the export is downloaded"),
    "export.delete_expired_export": _("The file of the export has expired and is deleted"),
    # Of subjects of any kind
    "attach": _("File attached: %(name)s (%(size_bytes)s)"),
    "download_attachment": _("Attachment downloaded: %(name)s"),
}
EVENT_TONES = {
    "switch.pause": "attention",
    "proposal.lapse": "attention",
    "user.give_wrong_codes": "attention",
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Of several apps
    "id": _("id"),
    "kind": _("kind"),
    "name": _("name"),
    "reason": _("reason"),
    "state": _("state"),
    "subject": _("subject"),
    # Exports
    "list": _("list"),
    "file_format": _("format"),
    "filters": _("filters"),
    "rows": _("rows"),
    "bytes": _("bytes"),
    # Attachments
    "sha256": _("SHA-256"),
    "size_bytes": _("size"),
    "media_type": _("media type"),
    # Proposals and the switch
    "proposal": _("proposal"),
    "cause": _("cause"),
    "digest": _("digest"),
    "switch": _("switch"),
    "paused_at": _("paused at"),
    "paused_by": _("paused by"),
    "pause_reason": _("pause reason"),
    # The second factor and sessions
    "login": _("login"),
    "full_name": _("full name"),
    "enrolled_at": _("authenticator set up at"),
    "recovery_codes": _("recovery codes left"),
    "sessions": _("sessions"),
    "wrong_codes": _("wrong codes"),
    "session_id": _("session"),
    # Rules about approvals
    "proposal_kind": _("kind of proposal"),
    "from_amount": _("from amount"),
    "approvals_needed": _("approvals needed"),
    "approvals_given": _("approvals given"),
    "not_counted": _("no longer counted"),
    "role": _("role"),
    "in_force_approvals": _("approvals needed until now"),
    "in_force_roles": _("roles until now"),
    "version_until_now": _("version until now"),
    "band": _("approval rule"),
}
# The tone of a state's badge.
TONES = {"open": "attention", "approved": "good", "rejected": "bad"}
PROPOSALS: dict[str, Any] = {
    "outgoing_resume": _("Resume outgoing money"),
    "second_factor_reset": _("Reset a person's second factor"),
    "approval_band": _("Change how many people approve"),
}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "proposal-missing": (
        _("Proposal %(proposal_id)s does not exist."),
        _("Open the list of proposals again."),
    ),
    "proposal-already-open": (
        _("Proposal %(proposal_id)s already asks for this."),
        _("Have another person decide on it, or withdraw it first."),
    ),
    "proposal-not-open": (
        _("This proposal is closed: %(proposal_state)s."),
        _("There is nothing left to do; propose it again if it is still needed."),
    ),
    "approver-is-proposer": (
        _("You proposed this, so you cannot decide on it."),
        _("Ask another person who may approve it."),
    ),
    "approver-decided-already": (
        _("You have already decided on this proposal."),
        _("Another person has to make the next decision."),
    ),
    "not-allowed-to-decide": (
        _("Your role does not allow this (%(permission)s)."),
        _("Ask a colleague who has the right."),
    ),
    "role-needed-to-decide": (
        _("Only people in the role %(role)s decide on this."),
        _("Ask a colleague in that role."),
    ),
    "approval-band-missing": (
        _("There is no approval rule with the number %(band_request_id)s."),
        _("Choose one of the list."),
    ),
    "approval-band-out-of-range": (
        _("%(approvals_needed)s approvals are not possible."),
        _("Ask for 1 to %(most_approvals)s."),
    ),
    "approval-band-amount-malformed": (
        _("An approval rule cannot start at %(from_amount)s."),
        _("Give an amount of 0 or more with its currency, or neither."),
    ),
    "proposal-kind-unknown": (
        _("There are no proposals of the kind %(proposal_kind)s."),
        _("Choose one of the list."),
    ),
    "role-unknown": (
        _("There is no role %(role)s."),
        _("Choose one of the list."),
    ),
    "approval-band-unchanged": (
        _("The rule in force says the same: approvals needed: %(approvals_needed)s."),
        _("There is nothing to change."),
    ),
    "too-few-approvers": (
        _("Only %(people)s of the %(approvals_needed)s people needed could approve this: %(proposal_kind)s."),
        _("Give the right to more people first, or ask for fewer approvals."),
    ),
    "not-the-proposer": (
        _("Only the person who proposed this may withdraw it."),
        _("Reject it instead, if you may decide on it."),
    ),
    "proposal-facts-changed": (
        _("The facts have changed since the proposal, so nothing was approved."),
        _("Reject this proposal or have it withdrawn, then have it proposed again."),
    ),
    "rejection-needs-reason": (
        _("A rejection needs a reason."),
        _("Write what is wrong, so that the proposer can correct it."),
    ),
    "second-factor-not-enrolled": (
        _("You have no one-time code device yet, and this needs one."),
        _("Log in to the back office: it asks you to set one up."),
    ),
    "person-missing": (
        _("There is no account %(user_pk)s."),
        _("Open the list of users again."),
    ),
    "no-second-factor": (
        _("%(login)s has no authenticator."),
        _("There is nothing to reset: they set one up when they log in."),
    ),
    "own-second-factor-reset": (
        _("This is about the second factor of %(login)s, who cannot decide on it."),
        _("Two other people have to propose it and decide on it."),
    ),
    "own-role-given": (
        _("Nobody gives themselves a role."),
        _("Another person who manages accounts has to give it to you."),
    ),
    "staff-session-missing": (
        _("Session %(session_id)s has ended already."),
        _("There is nothing to end."),
    ),
    "not-your-session": (
        _("This session is of %(login)s."),
        _("Ask an operator to end it."),
    ),
    "second-factor-refused": (
        _("The one-time code is missing, wrong or already used."),
        _("Wait for the next code and enter that one."),
    ),
    "authenticator-changed": (
        _("Another browser has set up an authenticator for this account in the meantime, or taken it away."),
        _(
            "Log in again with the codes of that one. If that was not you, have your second factor reset at once."
        ),
    ),
    "too-many-wrong-codes": (
        _("Too many codes were wrong, so that none is accepted for some time."),
        _(
            "Wait a quarter of an hour; after twenty wrong codes, a day. In the back office, logging in again ends the"
            " wait. If these codes were not yours, end your sessions and have your token revoked."
        ),
    ),
    "outgoing-paused": (
        _("Outgoing money is paused (%(reason)s)."),
        _("Find out why; one person proposes to resume, another approves."),
    ),
    "outgoing-not-paused": (
        _("Outgoing money is not paused."),
        _("There is nothing to resume."),
    ),
    "subject-kind-unknown": (
        _("%(subject)s is of a kind that no app has."),
        _("Report this, with its code, to those who operate the system."),
    ),
    "subject-missing": (
        _("%(subject)s does not exist."),
        _("Check its identifier."),
    ),
    "transition-not-allowed": (
        _("%(subject)s cannot go from %(from_state)s to %(to_state)s."),
        _("Open its page again and read its trail."),
    ),
    "state-changed": (
        _("%(subject)s was changed by someone else at the same time."),
        _("Open its page again; it is no longer %(expected_state)s."),
    ),
    "export-too-large": (
        _("The list has more than %(most_rows)s rows, the most that this format holds."),
        _("Filter the list, by dates for instance, or take CSV."),
    ),
    "export-list-cut": (
        _(
            "The search or filter finds more than %(most_rows)s rows, the newest of which the list shows: "
            "a file would not be complete."
        ),
        _("Take the search or this filter away, or use others: dates, for instance."),
    ),
    "export-limit-reached": (
        _("%(most_exports)s of your exports are being prepared already."),
        _("Wait until one is ready, or cancel one."),
    ),
    "export-not-allowed": (
        _("You may not see this list, or no longer."),
        _("Ask a colleague who has the right."),
    ),
    "export-filters-invalid": (
        _("The list does not know these filters."),
        _("Open the list again and filter it there."),
    ),
    "export-not-ready": (
        _("This file does not exist, or no longer."),
        _("Export the list again."),
    ),
    "export-stopped": (
        _("It was tried %(tries)s times and got no further."),
        _("Report this, with its code, to those who operate the system."),
    ),
    "attachment-empty": (
        _("The file %(name)s is empty."),
        _("Choose the file again."),
    ),
    "attachment-too-large": (
        _("The file %(name)s is larger than %(most_bytes)s."),
        _("Scan it at a lower resolution, or split it into several files."),
    ),
    "attachment-type-unknown": (
        _("The content of %(name)s is neither PDF, PNG nor JPEG."),
        _("Save it as PDF, PNG or JPEG: another name does not change what a file is."),
    ),
    "attachment-type-differs": (
        _("The content of %(name)s is %(media_type)s, but its ending says otherwise."),
        _("Give the file a name with the ending of its content: .pdf, .png, .jpg or .jpeg."),
    ),
    "too-many-attachments": (
        _("There are %(most_attachments)s attachments already, as many as there may be."),
        _("Keep other papers elsewhere, and write their reference in a reason."),
    ),
    "attachment-already-added": (
        _("A file with this content is attached already, as %(name)s."),
        _("There is nothing to do."),
    ),
    "attachment-missing": (
        _("The file of the attachment %(name)s is missing."),
        _("Report this, with its code, to those who operate the system: it has to come from a backup."),
    ),
    "attachment-differs": (
        _("The file of the attachment %(name)s is not the one that was attached."),
        _(
            "Report this, with its code, to those who operate the system. Do not base a decision on this file."
        ),
    ),
    "outside-address-forbidden": (
        _("We never send requests to this address (%(reason)s)."),
        _("Ask the recipient for an address on the public web, or for an invoice."),
    ),
    "onion-address-unsupported": (
        _("Addresses on the Tor network are not supported (%(host)s)."),
        _("Ask the recipient for an address on the public web, or for an invoice."),
    ),
}

CODES = {
    "action",
    "from_state",
    "to_state",
    "state",
    "status",
    "kind",
    "code",
    "switch",
    "role",
    "cause",
    "file_format",
    "media_type",
}
HASHES = {"sha256"}
ACTORS = {"actor_label", "changed_by", "paused_by"}
SUBJECTS = {"subject"}
