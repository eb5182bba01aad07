"""Refusals of partners' statements and of the differences from them, each named for the fact."""

from typing import Any

from sunusav.core.errors import Conflict, Invalid, Missing


class StatementSourceUnknown(Invalid):
    """No partner, bank or app expects anything in statements of this source."""

    statement_source: str
    known_sources: list[str]


class StatementFormatMissing(Conflict):
    """Nobody has saved how statements of this source are read."""

    statement_source: str


class StatementFormatInvalid(Invalid):
    """`wrong` is the field that is missing or does not fit the others."""

    wrong: str


class StatementFileUnreadable(Invalid):
    """`why` is a code: what the file is, or what it has, that a statement cannot have."""

    why: str


class StatementFileTooLarge(Invalid):
    """`too_many` names what there is too much of: bytes, rows, columns or characters in a cell."""

    too_many: str
    maximum: int


class StatementColumnsDiffer(Invalid):
    """The header row lacks columns of the format, or has one of them more than once."""

    missing_columns: list[str]
    repeated_columns: list[str]


class StatementRowsRefused(Invalid):
    """Some rows cannot be read; nothing was imported. `first_rows` has the first of them, each with its reason."""

    refused: int
    first_rows: list[dict[str, Any]]


class StatementEmpty(Invalid):
    """The file has no line below its header row."""


class StatementDaysDiffer(Invalid):
    """The statement has lines outside the days that it is said to cover, or these are not in order."""

    first_day: str
    last_day: str


class MatchingRuleInvalid(Invalid):
    wrong: str


class StatementItemMissing(Missing):
    item_id: str


class StatementItemClosed(Conflict):
    """The difference is explained or resolved."""

    item_id: int
    item_state: str


class StatementItemOwnerInvalid(Invalid):
    """Nobody of this name may work on differences."""

    owner: str


class StatementResolutionIncomplete(Invalid):
    """A resolution needs an explanation; one that is booked needs its movement, and no other has one."""

    wrong: str


class StatementCorrectionMissing(Invalid):
    """No movement of the treasury with this number is booked."""

    movement_id: int


class StatementResolutionMissing(Missing):
    item_id: str
