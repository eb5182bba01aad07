"""Keep how statements are read and matched: finance saves a new version, with a reason. No money depends on it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import User
from transfers.models import MatchingRule, StatementFormat
from transfers.models.statement import DIGITS, PLACES
from transfers.statement_enums import AmountReading
from transfers.statement_errors import MatchingRuleInvalid, StatementFormatInvalid
from transfers.statements.cells import MOMENT_FORMATS
from transfers.statements.csv_rows import DELIMITERS, ENCODINGS
from transfers.statements.matching import STATEMENTS_LOCK
from transfers.statements.sources import require_source

MOST_HEADER_ROWS: Final = 50
MOST_DAYS: Final = 31
DECIMAL_MARKS: Final = (",", ".")
THOUSANDS_MARKS: Final = ("", ",", ".", "'")
_MOST: Final = Decimal(10) ** (DIGITS - PLACES)


def save_format(
    *, source: str, layout: Mapping[str, Any], reason: str, saver: User, now: datetime
) -> StatementFormat:
    """Save how statements of a source are read from now on; `layout` has the fields of `StatementFormat`.

    Raises: StatementSourceUnknown, StatementFormatInvalid.
    """
    require_source(source)
    with transaction.atomic():
        lock(STATEMENTS_LOCK)
        version = StatementFormat.objects.filter(source=source).count() + 1
        row = StatementFormat(
            source=source, version=version, reason=reason, saved_by=saver, saved_at=now, **layout
        )
        if wrong := _wrong_with_format(row):
            raise StatementFormatInvalid(wrong=wrong)
        row.save(force_insert=True)
        trail.record(
            subject=f"statement_format:{row.pk}", action="save_format", actor=Actor.of(saver), at=now, reason=reason,
            facts={"statement_source": source, "version": version},
        )  # fmt: skip
    return row


def _wrong_with_format(row: StatementFormat) -> str:
    """Return the first field that is missing or does not fit the others; an empty string if all do."""
    has_two = row.amount_reading == AmountReading.DEBIT_CREDIT
    checks = {
        "moment_column": bool(row.moment_column),
        "amount_reading": row.amount_reading in AmountReading.values,
        "amount_column": bool(row.amount_column) is not has_two,
        "debit_column": bool(row.debit_column) is has_two,
        "credit_column": bool(row.credit_column) is has_two,
        "encoding": row.encoding in ENCODINGS,
        "delimiter": row.delimiter in DELIMITERS,
        "decimal_mark": row.decimal_mark in DECIMAL_MARKS,
        "thousands_mark": row.thousands_mark in THOUSANDS_MARKS and row.thousands_mark != row.decimal_mark,
        "moment_format": row.moment_format in MOMENT_FORMATS,
        "header_row": 1 <= row.header_row <= MOST_HEADER_ROWS,
        "tolerance_xof": _is_tolerance(row.tolerance_xof),
        "reason": bool(row.reason.strip()),
    }
    return next((name for name, is_right in checks.items() if not is_right), "")


def _is_tolerance(amount: Decimal) -> bool:
    return 0 <= amount < _MOST and amount == round(amount, PLACES)


def save_rule(
    *, source: str, name: str, layout: Mapping[str, Any], reason: str, saver: User, now: datetime
) -> MatchingRule:
    """Save a rule of a source, or the next version of it; `layout` has the fields of `MatchingRule`.

    Raises: StatementSourceUnknown, MatchingRuleInvalid.
    """
    require_source(source)
    with transaction.atomic():
        lock(STATEMENTS_LOCK)
        version = MatchingRule.objects.filter(source=source, name=name).count() + 1
        row = MatchingRule(
            source=source, name=name, version=version, reason=reason, saved_by=saver, saved_at=now, **layout
        )
        if wrong := _wrong_with_rule(row):
            raise MatchingRuleInvalid(wrong=wrong)
        row.save(force_insert=True)
        trail.record(
            subject=f"matching_rule:{row.pk}", action="save_rule", actor=Actor.of(saver), at=now, reason=reason,
            facts={"statement_source": source, "name": name, "version": version, "is_on": row.is_on},
        )  # fmt: skip
    return row


def _wrong_with_rule(row: MatchingRule) -> str:
    checks = {
        "name": bool(row.name.strip()),
        "tolerance_xof": _is_tolerance(row.tolerance_xof),
        "days": 0 <= row.days <= MOST_DAYS,
        "reason": bool(row.reason.strip()),
    }
    return next((name for name, is_right in checks.items() if not is_right), "")
