"""Conversions used a rate that could be used at that moment, and their own rounding."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ledger.invariants.scope import SHOWN
from ledger.models import CurrencyConversion, ExchangeRate
from ledger.rates.current import FRESH_FOR
from ledger.services.conversions import expected_amounts
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages, rows_since


def _conversions_follow_their_rule(scope: AuditScope) -> Iterator[Breach]:
    conversions = CurrencyConversion.objects.select_related("rate")
    for page in pages(rows_since(conversions, "converted_at", scope.since)):
        for row in page:
            for problem in _problems_of(row):
                yield Breach("I17", f"conversion:{row.reference}", problem)


def _problems_of(row: CurrencyConversion) -> Iterator[str]:
    rate = row.rate
    if rate.is_quarantined:
        yield f"rate {rate.pk} is in quarantine"
    if rate.is_fallback and not row.is_fallback_allowed:
        yield f"rate {rate.pk} is a fallback, which was not allowed to move francs"
    age = row.converted_at - rate.observed_at
    if not rate.is_fallback and not timedelta(0) <= age < FRESH_FOR:
        yield f"rate {rate.pk} was {age} old"
    if expected_amounts(row, rate.rate_xof_per_btc) != (row.amount_msat, row.amount_xof):
        yield f"{row.amount_msat} msat are not {row.amount_xof} XOF at {rate.rate_xof_per_btc}"


def _quarantine_is_never_used(scope: AuditScope) -> Iterator[Breach]:
    """Check every table with a foreign key to a rate, in every app."""
    for relation in _relations_to_rates():
        users = relation.related_model._default_manager
        in_quarantine = users.filter(**{f"{relation.field.name}__is_quarantined": True})
        for pk in in_quarantine.values_list("pk", flat=True)[:SHOWN]:
            yield Breach(
                "I17", f"{relation.related_model._meta.model_name}:{pk}", "uses a rate in quarantine"
            )


def _relations_to_rates() -> Iterator[Any]:
    fields = ExchangeRate._meta.get_fields(include_hidden=True)
    yield from (field for field in fields if field.one_to_many or (field.one_to_one and field.auto_created))


CONVERSION_INVARIANTS = [
    Invariant(
        "I17",
        "conversions used a fresh rate, or a fallback where allowed, and its rounding",
        _conversions_follow_their_rule,
    ),
    Invariant("I17", "a rate in quarantine is never used", _quarantine_is_never_used),
]
