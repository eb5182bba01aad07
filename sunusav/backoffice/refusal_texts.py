"""What each refusal that the desk can meet says to a person, and the next step. Facts fill the sentence."""

from typing import Any

from django.utils.translation import gettext_lazy as _

TEXTS: dict[str, tuple[Any, Any]] = {
    # Approvals
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
    # Second factor
    "second-factor-not-enrolled": (
        _("You have no one-time code device yet, and this needs one."),
        _("Ask an administrator to run enrol_totp for you."),
    ),
    "second-factor-refused": (
        _("The one-time code is missing, wrong, or used already."),
        _("Wait for the next code and enter that one."),
    ),
    # Switches and states
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
    # Payments
    "disbursement-missing": (
        _("Disbursement %(disbursement_id)s does not exist."),
        _("Open the list of disbursements again."),
    ),
    "disbursement-not-cancellable": (
        _("Disbursement %(disbursement_id)s (%(state)s) cannot be cancelled: %(why)s."),
        _("Look at its attempts; while one is open, wait until its outcome is known."),
    ),
    "disbursement-not-retryable": (
        _("Disbursement %(disbursement_id)s (%(state)s) cannot be retried: %(why)s."),
        _("Look at its attempts; while one is open, wait until its outcome is known."),
    ),
    "attempt-not-open": (
        _("Disbursement %(disbursement_id)s (%(state)s) has no open attempt: its outcome is known."),
        _("There is nothing left to decide; reject or withdraw an open proposal about it."),
    ),
    "disbursement-not-under-review": (
        _(
            "Disbursement %(disbursement_id)s (%(state)s) is not under review: the engine still decides about it."
        ),
        _("Wait; it comes under review by itself when the engine cannot decide."),
    ),
    "order-still-payable": (
        _("The order of disbursement %(disbursement_id)s can be paid until %(payable_until)s."),
        _("Wait until then, have the outside asked again, and propose it after that."),
    ),
    "evidence-too-old": (
        _("What the outside says now of disbursement %(disbursement_id)s is not known (%(outcome)s)."),
        _("Have the outside asked now, look at its answer, and try again."),
    ),
    "outside-says-otherwise": (
        _("The outside says that disbursement %(disbursement_id)s is under way or paid (%(outcome)s)."),
        _("It cannot be called unpaid. Ask the payee for the preimage their wallet shows."),
    ),
    "resolution-missing": (
        _("Nobody has proposed how disbursement %(disbursement_id)s ended."),
        _("Open its page and propose it."),
    ),
    "resolution-needs-proof": (
        _("The preimage does not belong to this payment hash."),
        _("Ask the payee for the preimage their wallet shows for this payment."),
    ),
    "resolution-cost-out-of-range": (
        _("The routing fee must be between 0 and %(fee_limit_msat)s msat."),
        _("Give what the route cost; the order allowed no more."),
    ),
    "resolution-needs-explanation": (
        _("A resolution needs an explanation."),
        _("Write what you looked at and what it showed."),
    ),
    "disbursement-not-held-back": (
        _("Disbursement %(disbursement_id)s (%(state)s) is held back by nothing that an exception lifts."),
        _("Open its page again: it may be on its way, or wait for something else."),
    ),
    "payment-limit-out-of-range": (
        _("A limit lies between %(minimum_sats)s and %(maximum_sats)s sats."),
        _("Give another amount; to stop all payments, pause outgoing money."),
    ),
    "payment-limit-request-missing": (
        _("Limit request %(limit_request_id)s does not exist."),
        _("Open the list of requests again."),
    ),
    "payment-reference-used": (
        _("This invoice was used before, for disbursement %(disbursement_id)s."),
        _("Ask the recipient for a new invoice and set it as the destination."),
    ),
    "subject-held": (
        _("Disbursement %(disbursement_id)s already pays for %(subject)s."),
        _("Retry or cancel that one."),
    ),
    "funds-short": (
        _("The account does not hold what is to be paid."),
        _("Look at the account's entries in the books."),
    ),
    "rail-unknown": (
        _("There is no way to pay called %(rail)s."),
        _("Set another destination."),
    ),
    "rail-unavailable": (
        _("%(rail)s does not answer; nothing was sent."),
        _("Try again when it is back."),
    ),
    "net-not-positive": (
        _("The fee would take the whole payout."),
        _("Look at the fee schedule in force."),
    ),
    # Invoices
    "invoice-unreadable": (
        _("The invoice cannot be read (%(reason)s)."),
        _("Ask the recipient for a new invoice."),
    ),
    "invoice-for-another-network": (
        _("The invoice is for the network %(invoice_network)s, ours is %(our_network)s."),
        _("Ask the recipient for an invoice on our network."),
    ),
    "invoice-without-amount": (
        _("The invoice names no amount."),
        _("Ask for an invoice of exactly the net amount."),
    ),
    "invoice-amount-differs": (
        _("The invoice is for another amount: %(invoice_msat)s msat instead of %(expected_msat)s msat."),
        _("Ask for an invoice of exactly the net amount."),
    ),
    "invoice-expired": (
        _("The invoice expired (%(expired_at)s)."),
        _("Ask the recipient for a new invoice and set it as the destination."),
    ),
    "invoice-expires-too-soon": (
        _("The invoice would expire while it is being paid (%(expires_at)s)."),
        _("Ask the recipient for a new invoice and set it as the destination."),
    ),
    "invoice-pays-ourselves": (
        _("The invoice is our own node's."),
        _("Ask the recipient for an invoice of their own wallet."),
    ),
    "invoice-from-the-future": (
        _("The invoice says it was made in the future (%(created_at)s)."),
        _("Ask the recipient for a new invoice."),
    ),
    "invoice-needs-amp": (
        _("The invoice asks for a kind of payment we never make (AMP)."),
        _("Ask the recipient for an ordinary invoice."),
    ),
    "invoice-locks-too-long": (
        _("The invoice could lock our money for %(blocks)s blocks; we allow %(limit_blocks)s."),
        _("Ask the recipient for an invoice of another wallet."),
    ),
    "invoice-needs-unknown-feature": (
        _("The invoice needs something our node does not know (%(features)s)."),
        _("Ask the recipient for an invoice of another wallet."),
    ),
    "invoice-read-differently": (
        _("Our node and we ourselves read the invoice differently (%(field)s)."),
        _("Do not pay it; ask the recipient for a new invoice."),
    ),
    "destination-kind-unsupported": (
        _("%(rail)s does not pay to a destination of the kind %(kind)s."),
        _("Set another destination."),
    ),
    # Addresses that are asked for an invoice
    "lightning-address-unreadable": (
        _("This is no Lightning Address (%(reason)s)."),
        _("Write it as name@domain, or ask the recipient for an invoice."),
    ),
    "lnurl-unreadable": (
        _("This is no payment link we can read (%(reason)s)."),
        _("Ask the recipient for a payment link of their wallet, and paste all of it."),
    ),
    "outside-address-forbidden": (
        _("This address is never asked (%(reason)s)."),
        _("Ask the recipient for an address on the public web, or for an invoice."),
    ),
    "onion-address-unsupported": (
        _("Addresses on the Tor network are not supported (%(host)s)."),
        _("Ask the recipient for an address on the public web, or for an invoice."),
    ),
    "lnurl-service-refuses": (
        _("The service %(host)s does not take payments for this address: %(reason)s."),
        _("Check the address with the recipient, or set another destination."),
    ),
    "amount-outside-service-range": (
        _("The service %(host)s takes %(min_msat)s to %(max_msat)s msat; %(amount_msat)s msat are due."),
        _("Set another destination."),
    ),
    "lnurl-answer-malformed": (
        _("The service %(host)s does not speak LNURL-pay (%(reason)s)."),
        _("Ask the recipient for an invoice and set it as the destination."),
    ),
    "destination-unavailable": (
        _("The recipient's service %(host)s does not answer (%(detail)s); nothing was sent."),
        _("Try again later, or set another destination."),
    ),
    # Fees
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
    # Rates
    "rate-out-of-bounds": (
        _("No such rate is believed: it lies between %(minimum_xof_per_btc)s and %(maximum_xof_per_btc)s."),
        _("Give the price of one whole bitcoin in francs."),
    ),
    "manual-rate-missing": (
        _("Manual rate %(manual_rate_id)s does not exist."),
        _("Open the list of requests again."),
    ),
    # Payouts and tokens
    "payout-missing": (
        _("There is no such payout."),
        _("Open the cycle's page again."),
    ),
    "payout-needs-review": (
        _("Payout %(payout_id)s of %(cycle_id)s is under review."),
        _("Somebody who may decide on payments has to look at it."),
    ),
    "token-missing": (
        _("Token %(token_start)s… is gone already."),
        _("There is nothing to revoke."),
    ),
    # Groups
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
    # Requests to be paid
    "collection-not-cancellable": (
        _("Request %(collection_id)s cannot be taken back: %(why)s."),
        _("Nothing was changed. See below how it stands."),
    ),
    "collection-settled": (
        _("Request %(collection_id)s was paid."),
        _("What was paid is booked; nothing is left to take back."),
    ),
    "collection-answered-elsewhere": (
        _(
            "Another node answered than the one that made request %(collection_id)s, so it may still be paid there."
        ),
        _("Have the right node reached again, then take it back."),
    ),
    "collector-unavailable": (
        _("The collector %(collector)s is away, so nothing was taken back."),
        _("Try again in a moment."),
    ),
}
