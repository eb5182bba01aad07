"""Form fields of models with the unit that people type: per cent, sats or francs."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget

# Parts of the whole that a field of this ending has, and the decimals that one part of it needs in per cent.
WHOLES = {"_bps": (10_000, 2), "_ppm": (1_000_000, 4)}

UNITS = {"_sats": _("%(name)s, in sats"), "_xof": _("%(name)s, in francs")}


class PercentField(forms.DecimalField):
    """A share of `whole` parts, shown and typed in per cent, from 0 to 100; its value is the number of parts.

    Exact: more decimals than a part has are refused, not rounded.
    """

    widget = UnfoldAdminDecimalFieldWidget

    def __init__(self, *, whole: int, decimal_places: int, **kwargs: Any) -> None:
        self.whole = whole
        kwargs.setdefault("help_text", _("In per cent."))
        super().__init__(min_value=0, max_value=100, max_digits=7, decimal_places=decimal_places, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return the parts of a stored value as per cent; what a person typed is shown as it was."""
        return f"{Decimal(value) * 100 / self.whole:f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        per_cent = super().clean(value)
        return None if per_cent is None else int(per_cent * self.whole / 100)

    def has_changed(self, initial: Any, data: Any) -> bool:
        if data in self.empty_values:
            return initial is not None
        try:
            return bool(self.clean(data) != initial)
        except ValidationError:
            return True


def field_with_unit(db_field: Any, formfield: Callable[..., Any], **kwargs: Any) -> Any:
    """Return the form field of a model's field: in per cent for shares, with its unit in the label for amounts."""
    in_percent = percent_field(db_field)
    if in_percent is not None:
        return in_percent
    label = next((text for ending, text in UNITS.items() if db_field.name.endswith(ending)), None)
    if label is not None:
        kwargs["label"] = label % {"name": capfirst(str(db_field.verbose_name))}
    return formfield(db_field, **kwargs)


def percent_field(db_field: Any, **kwargs: Any) -> PercentField | None:
    """Return the field for a model's basis points or parts per million, or None for any other."""
    for ending, (whole, decimal_places) in WHOLES.items():
        if db_field.name.endswith(ending):
            return PercentField(
                whole=whole, decimal_places=decimal_places, label=capfirst(str(db_field.verbose_name)),
                required=not db_field.blank, initial=db_field.default if db_field.has_default() else None,
            )  # fmt: skip
    return None
