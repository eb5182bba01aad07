"""States, codes and reasons of partners' statements, and the transitions that are allowed."""

from typing import Final

from django.db.models import TextChoices

STATEMENT_ITEM: Final = "statement_item"


class ItemCode(TextChoices):
    """How a partner's statement and what was expected in it differ."""

    MISMATCHED = "statement_mismatched"
    # Expected within the days of a statement, and not in it.
    MISSING = "statement_missing"
    UNEXPECTED = "statement_unexpected"


class ItemState(TextChoices):
    """Whether a difference from a statement is open, and how it was closed."""

    OPEN = "open"
    # A later line, or a later booking, matched it.
    EXPLAINED = "explained"
    # It became a part of another open item.
    MERGED = "merged"
    # What was expected is expected no longer.
    LAPSED = "lapsed"
    # Two people resolved it.
    RESOLVED = "resolved"


class MatchMethod(TextChoices):
    """How lines of a statement were matched with what was expected."""

    REFERENCE = "by_reference"
    # Several lines of one reference, or several expected ones, add up.
    SUM = "by_sum"
    RULE = "by_rule"
    RESOLUTION = "by_resolution"


class ItemReason(TextChoices):
    """Why two people close a difference from a statement."""

    BOOKED_AS_MOVEMENT = "booked_as_movement"
    CORRECTED_BY_PARTNER = "corrected_by_partner"
    NOT_OURS = "not_ours"
    NO_MONEY_MOVED = "no_money_moved"


class AmountReading(TextChoices):
    """How a statement writes amounts: what reaches us is positive, or negative; or debit and credit have columns."""

    SIGNED = "amount_signed"
    NEGATED = "amount_negated"
    DEBIT_CREDIT = "debit_credit"


_I = ItemState
ITEM_TRANSITIONS: dict[str, frozenset[str]] = {
    _I.OPEN: frozenset({_I.EXPLAINED, _I.MERGED, _I.LAPSED, _I.RESOLVED}),
}
