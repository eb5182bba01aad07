"""Columns of exports made from the fields of a model: the name and type of a field decide how its values are written.

Amounts are numbers of the unit that the header names, so that a spreadsheet adds them up: msat as sats, whole unless
there are thousandths; rates in per cent. Codes and choices are written by their labels.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.core import phrasing
from sunusav.core.exporting.types import Cell, Column
from sunusav.core.money import MSAT_PER_SAT
from sunusav.core.phrasing import unit_of

SATS, FRANCS, PER_CENT = "sats", _("F CFA"), "%"
FRANCS_PER_BTC, DAKAR_TIME = _("F CFA per BTC"), _("Dakar time")
SYSTEM = "system:"
BPS_PER_CENT, PPM_PER_CENT = 100, 10_000
UNIT_OF_CURRENCY = {"msat": SATS, "XOF": FRANCS}


def columns_of(model: type[models.Model], *wanted: str | Column) -> tuple[Column, ...]:
    """Return columns of a model's fields by their names; finished columns are kept."""
    return tuple(column_of(model, item) if isinstance(item, str) else item for item in wanted)


def column_of(model: type[models.Model], path: str, *, label: Any = None) -> Column:
    """Return the column of a field, or of a field of a related row, such as `disbursement__subject`."""
    *parents, name = path.split("__")
    for parent in parents:
        related: Any = model._meta.get_field(parent).related_model
        model = related
    field: Any = model._meta.get_field(name)
    unit, show = _shown(field)

    def value(row: Any) -> Cell:
        for parent in parents:
            row = getattr(row, parent, None)
        return None if row is None else show(getattr(row, field.attname))

    return Column(label or field.verbose_name, value, unit)


def amounts_in(currency: str, label: Any, value: Callable[[Any], int | None]) -> Column:
    """Return the column of amounts that are in this currency; `value` returns None for a row in another."""
    return Column(label, lambda row: amount(currency, value(row)), UNIT_OF_CURRENCY[currency])


def amount(currency: str, units: int | None) -> Cell:
    """Return an amount of the ledger as an export writes it: msat as sats, francs as they are."""
    return sats_of(units) if currency == "msat" else units


def sats_of(amount_msat: int | None) -> int | Decimal | None:
    """Return an amount in sats, exactly: a whole number unless there are thousandths."""
    if amount_msat is None:
        return None
    whole, rest = divmod(amount_msat, MSAT_PER_SAT)
    return whole if not rest else Decimal(amount_msat) / MSAT_PER_SAT


def _per_cent(parts: int, value: int | None) -> Decimal | None:
    return None if value is None else (Decimal(value) / parts).normalize()


def _same(value: Any) -> Cell:
    return value  # type: ignore[no-any-return]  # the field's own type


def _choice(name: str, value: Any) -> Cell:
    return phrasing.code_label(str(value), of=name) if value not in ("", None) else ""


def code_or_text(value: Any) -> str:
    """Return the label of a code; text that somebody wrote is returned as it is."""
    return (phrasing.known_label(str(value)) or str(value)) if value else ""


def actor(label: str) -> str:
    """Return who acted: a person by their login, the system as such."""
    return gettext("the system") if label.startswith(SYSTEM) else label


def _facts(value: Any) -> Cell:
    if not isinstance(value, dict):
        return str(value or "")
    shown = ((phrasing.fact_label(name), phrasing.plain(name, one)) for name, one in value.items())
    return phrasing.enumerated(phrasing.labelled(label, one) for label, one in shown)


BY_UNIT: dict[str, tuple[Any, Callable[[Any], Cell]]] = {
    "_xof_per_btc": (FRANCS_PER_BTC, _same),
    "_sats": (SATS, _same),
    "_msat": (SATS, sats_of),
    "_xof": (FRANCS, _same),
    "_bps": (PER_CENT, partial(_per_cent, BPS_PER_CENT)),
    "_ppm": (PER_CENT, partial(_per_cent, PPM_PER_CENT)),
}


def _shown(field: Any) -> tuple[Any, Callable[[Any], Cell]]:
    """Return the unit of a field's values and how they are written."""
    if unit := unit_of(field.name):
        return BY_UNIT[unit]
    if field.choices:
        return "", partial(_choice, field.name)
    if isinstance(field, models.DateTimeField):
        return DAKAR_TIME, _same
    if field.name in phrasing.listed_names("CODES"):
        return "", code_or_text
    if field.name in phrasing.listed_names("ACTORS"):
        return "", actor
    return "", _facts if isinstance(field, models.JSONField) else _same
