"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # Components of the health
    "health.rate_age": _("exchange rate"),
    "health.receivables": _("receivables after reversals"),
    "health.audit": _("audit of the books"),
    # Roles of accounts
    "group_pot": _("group pot"),
    "member_credit": _("member credit"),
    "contribution_clearing": _("contribution clearing"),
    "in_transit": _("in transit"),
    "owed_to_winners": _("owed to winners"),
    "node": _("node"),
    "partner_float": _("partner float"),
    "bank": _("bank"),
    "receivable": _("receivable"),
    "platform_fee_income": _("platform fee income"),
    "subscription_income": _("subscription income"),
    "community_fund": _("community fund"),
    "fund_reserved": _("fund reserved"),
    "partner_reserve": _("partner reserve"),
    "routing_expense": _("routing expense"),
    "partner_charges": _("partner charges"),
    "payment_losses": _("losses on payments"),
    "currency_position": _("currency position"),
    "currency_gain_loss": _("currency gain or loss"),
    "rounding_residue": _("rounding residue"),
    "opening_balance": _("opening balance"),
    # Kinds of journal transactions
    "receivable_repaid": _("receivable repaid"),
    # Currencies
    "msat": _("sats"),  # people never see thousandths named
    "xof": _("XOF"),
    # Kinds of conversions
    "collection": _("collection"),
    "disbursement": _("disbursement"),
    "price": _("price"),
    # Sources of rates, and why a rate is quarantined
    "market": _("market"),
    "manual": _("manual"),
    "fallback": _("fallback"),
    "jumped": _("jumped"),
    "sources_disagree": _("sources disagree"),
    # Actions in the trail
    "record_manual_rate": _("record manual rate"),
    "find_breaches": _("find breaches"),
    # Kinds of audits
    "fast": _("fast (last 24 hours)"),
    "full": _("full"),
    # Periodic tasks
    "seal_the_books": _("seal the books"),
    "repay_receivables": _("repay receivables"),
    "refresh_the_exchange_rate": _("refresh the exchange rate"),
    "audit the books (fast)": _("audit the books (fast)"),
    "audit the books (full)": _("audit the books (full)"),
}
# What entries of the trail say happened
EVENTS: dict[str, Any] = {
    "rate.record_manual_rate": _("Manual rate in force: %(rate_xof_per_btc)s"),
    "books.find_breaches": _("The audit found breaches: %(count)s"),
}
EVENT_TONES = {"books.find_breaches": "bad"}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Rates
    "rate": _("rate"),
    "requested_at": _("requested at"),
    "rates": _("rates"),
    "refusals": _("refusals"),
    # Breaches that an audit found
    "count": _("count"),
    "first": _("first"),
}
PROPOSALS: dict[str, Any] = {
    "manual_rate": _("Record a manual rate"),
}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "account-short": (
        _("%(account)s holds %(available)s of the %(needed)s that are needed."),
        _("Wait until more has come in, or ask for less."),
    ),
    "rate-out-of-bounds": (
        _(
            "This rate is not plausible: it must be between %(minimum_xof_per_btc)s and %(maximum_xof_per_btc)s."
        ),
        _("Give the price of one whole bitcoin in francs."),
    ),
    "manual-rate-missing": (
        _("Manual rate %(manual_rate_id)s does not exist."),
        _("Open the list of requests again."),
    ),
}
IN_CURRENCY = {"available", "needed"}
SUBJECTS = {"owner"}
