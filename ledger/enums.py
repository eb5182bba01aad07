"""Currencies, kinds and roles of accounts, and the codes of conversions and rates."""

from enum import StrEnum
from typing import Final

from django.db.models import TextChoices

from sunusav.core.money import Currency as Currency  # noqa: PLC0414  (apps import it from here)


class AccountKind(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    EQUITY = "equity"


class AccountRole(StrEnum):
    """What an account is for. Its owner (a cycle, a partner, a node) is a separate field."""

    GROUP_POT = "group_pot"
    MEMBER_CREDIT = "member_credit"
    CONTRIBUTION_CLEARING = "contribution_clearing"
    IN_TRANSIT = "in_transit"
    OWED_TO_WINNERS = "owed_to_winners"
    NODE = "node"
    PARTNER_FLOAT = "partner_float"
    BANK = "bank"
    # What another account owes back; its owner is the code of that account.
    RECEIVABLE = "receivable"
    PLATFORM_FEE_INCOME = "platform_fee_income"
    SUBSCRIPTION_INCOME = "subscription_income"
    COMMUNITY_FUND = "community_fund"
    FUND_RESERVED = "fund_reserved"
    PARTNER_RESERVE = "partner_reserve"
    ROUTING_EXPENSE = "routing_expense"
    PARTNER_CHARGES = "partner_charges"
    # Payments that no order in the books stands for, once two people gave them up.
    PAYMENT_LOSSES = "payment_losses"
    CURRENCY_POSITION = "currency_position"
    CURRENCY_GAIN_LOSS = "currency_gain_loss"
    ROUNDING_RESIDUE = "rounding_residue"
    OPENING_BALANCE = "opening_balance"


# The kind of the transactions by which an account repays what it owed.
RECEIVABLE_REPAID: Final = "receivable_repaid"
KIND_OF_ROLE: Final = {
    AccountRole.GROUP_POT: AccountKind.LIABILITY,
    AccountRole.MEMBER_CREDIT: AccountKind.LIABILITY,
    AccountRole.CONTRIBUTION_CLEARING: AccountKind.LIABILITY,
    AccountRole.IN_TRANSIT: AccountKind.LIABILITY,
    AccountRole.OWED_TO_WINNERS: AccountKind.LIABILITY,
    AccountRole.NODE: AccountKind.ASSET,
    AccountRole.PARTNER_FLOAT: AccountKind.ASSET,
    AccountRole.BANK: AccountKind.ASSET,
    AccountRole.RECEIVABLE: AccountKind.ASSET,
    AccountRole.PLATFORM_FEE_INCOME: AccountKind.INCOME,
    AccountRole.SUBSCRIPTION_INCOME: AccountKind.INCOME,
    AccountRole.COMMUNITY_FUND: AccountKind.LIABILITY,
    AccountRole.FUND_RESERVED: AccountKind.LIABILITY,
    AccountRole.PARTNER_RESERVE: AccountKind.LIABILITY,
    AccountRole.ROUTING_EXPENSE: AccountKind.EXPENSE,
    AccountRole.PARTNER_CHARGES: AccountKind.EXPENSE,
    AccountRole.PAYMENT_LOSSES: AccountKind.EXPENSE,
    AccountRole.CURRENCY_POSITION: AccountKind.EQUITY,
    # These have either sign: a gain or a loss, a residue kept or given.
    AccountRole.CURRENCY_GAIN_LOSS: AccountKind.INCOME,
    AccountRole.ROUNDING_RESIDUE: AccountKind.INCOME,
    AccountRole.OPENING_BALANCE: AccountKind.EQUITY,
}

# What is owed: never negative (invariant I11).
LIABILITY_ROLES: Final = frozenset(
    role for role, kind in KIND_OF_ROLE.items() if kind is AccountKind.LIABILITY
)


class ConversionKind(StrEnum):
    """Why money changes currency; each has its own rounding (`ledger.calculations`)."""

    COLLECTION = "collection"
    DISBURSEMENT = "disbursement"
    PRICE = "price"


class RateRefusal(StrEnum):
    """Why a source's answer is refused."""

    UNAVAILABLE = "unavailable"
    UNREADABLE = "unreadable"
    NOT_FINITE = "not_finite"
    NOT_POSITIVE = "not_positive"
    OUT_OF_BOUNDS = "out_of_bounds"
    OTHER_PAIR = "other_pair"
    STALE = "stale"
    FAR_FROM_MEDIAN = "far_from_median"


class AuditKind(TextChoices):
    """How much of the books an audit checks: what was recorded in the last 24 hours, or everything."""

    FAST = "fast"
    FULL = "full"


class QuarantineReason(StrEnum):
    """Why a rate is kept but not used."""

    NONE = ""
    SOURCES_DISAGREE = "sources_disagree"
    JUMPED = "jumped"
