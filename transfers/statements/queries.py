"""Reads of statements and of the differences from them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet

from transfers.models import MatchingRule, StatementFormat, StatementImport, StatementItem
from transfers.statement_enums import ItemCode, ItemState
from transfers.statement_errors import StatementFormatMissing, StatementItemClosed, StatementItemMissing

# Up to which age an open difference counts for a step of the ageing; the last has no end.
AGES: Final = (timedelta(days=8), timedelta(days=31), timedelta(days=91))


def format_of(source: str) -> StatementFormat:
    """Return how statements of a source are read. Raises: StatementFormatMissing."""
    found = StatementFormat.objects.filter(source=source).order_by("-version").first()
    if found is None:
        raise StatementFormatMissing(statement_source=source)
    return found


def rules_of(source: str) -> list[MatchingRule]:
    """Return the rules of a source that hold, in the order of their names."""
    newest = {row.name: row for row in MatchingRule.objects.filter(source=source).order_by("version")}
    return [row for _, row in sorted(newest.items()) if row.is_on]


def import_of(source: str, *, sha256: str) -> StatementImport | None:
    """Return the import of exactly this file, if there was one."""
    return StatementImport.objects.filter(source=source, sha256=sha256).first()


def open_items(source: str | None = None) -> QuerySet[StatementItem]:
    """Return the open differences, of one source or of all."""
    found = StatementItem.objects.filter(state=ItemState.OPEN)
    return found if source is None else found.filter(source=source)


def item_of(item_id: str | int) -> StatementItem:
    """Return a difference. Raises: StatementItemMissing."""
    key = str(item_id)
    found = StatementItem.objects.filter(pk=int(key)).first() if key.isdecimal() else None
    if found is None:
        raise StatementItemMissing(item_id=key)
    return found


def open_item(item_id: str | int) -> StatementItem:
    """Return a difference that is open. Raises: StatementItemMissing, StatementItemClosed."""
    found = item_of(item_id)
    if found.state != ItemState.OPEN:
        raise StatementItemClosed(item_id=found.pk, item_state=found.state)
    return found


def open_counts() -> dict[str, tuple[int, datetime]]:
    """Return, by source, how many differences are open, and since when the oldest is."""
    found = open_items().order_by().values("source").annotate(count=Count("pk"), oldest=Min("opened_at"))
    return {row["source"]: (row["count"], row["oldest"]) for row in found}


def open_by_age(*, now: datetime) -> dict[str, list[int]]:
    """Return, by kind, how many differences are open in each step of `AGES` and beyond the last."""
    untils = [None, *(now - age for age in AGES)]
    afters = [*(now - age for age in AGES), None]
    steps = {
        f"step_{number}": Count("pk", filter=_opened(after, until))
        for number, (after, until) in enumerate(zip(afters, untils, strict=True))
    }
    found: Any = open_items().order_by().values("code").annotate(**steps)
    counts = {row["code"]: [row[name] for name in steps] for row in found}
    return {code.value: counts.get(code.value, [0] * len(steps)) for code in ItemCode}


def _opened(after: datetime | None, until: datetime | None) -> Q:
    since = Q(opened_at__gte=after) if after else Q()
    return since & Q(opened_at__lt=until) if until else since


def exact(amount: Decimal) -> str:
    """Return an amount as a text, exactly, without zeros that say nothing."""
    return f"{amount.normalize():f}" if amount else "0"


def amount_fact(amount: Decimal) -> int | str:
    """Return an amount as facts keep it: a number where it is whole, as nearly all are; else its exact text."""
    return int(amount) if amount == int(amount) else exact(amount)


def keys_of(items: Iterable[StatementItem]) -> list[str]:
    """Return the keys of all that was expected in these differences."""
    return [one["key"] for item in items for one in item.expected]
