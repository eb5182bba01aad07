"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "group_pot": _("group pot"),
    "member_credit": _("member credit"),
    "contribution_clearing": _("contribution clearing"),
    "in_transit": _("in transit"),
    "owed_to_winners": _("owed to winners"),
    "node": _("node"),
    "partner_float": _("partner float"),
    "platform_fee_income": _("platform fee income"),
    "subscription_income": _("subscription income"),
    "fund_reserved": _("fund reserved"),
    "community_fund": _("community fund"),
    "partner_reserve": _("partner reserve"),
    "routing_expense": _("routing expense"),
    "partner_charges": _("partner charges"),
    "currency_position": _("currency position"),
    "currency_gain_loss": _("currency gain loss"),
    "rounding_residue": _("rounding residue"),
    "opening_balance": _("opening balance"),
    "bank": _("bank"),
    "price": _("price"),
    "jumped": _("jumped"),
    "sources_disagree": _("sources disagree"),
    "find_breaches": _("find breaches"),
    "record_manual_rate": _("record manual rate"),
    "seal_the_books": _("seal the books"),
    "refresh_the_exchange_rate": _("refresh the exchange rate"),
    "audit the books (fast)": _("audit the books (fast)"),
    "audit the books (full)": _("audit the books (full)"),
    "fallback": _("fallback"),
    "market": _("market"),
    "manual": _("manual"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "count": _("count"),
    "first": _("first"),
    "posted_at": _("posted at"),
    "recorded_at": _("recorded at"),
    "requested_at": _("requested at"),
    "reverses": _("reverses"),
    "rate": _("rate"),
}
PROPOSALS: dict[str, Any] = {
    "manual_rate": _("Record a manual rate"),
}
# By problem code: what is the matter, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "rate-out-of-bounds": (
        _("No such rate is believed: it lies between %(minimum_xof_per_btc)s and %(maximum_xof_per_btc)s."),
        _("Give the price of one whole bitcoin in francs."),
    ),
    "manual-rate-missing": (
        _("Manual rate %(manual_rate_id)s does not exist."),
        _("Open the list of requests again."),
    ),
}
