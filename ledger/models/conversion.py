from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import ConversionKind
from ledger.models.choices import choices_of
from ledger.models.journal import REFERENCE_LENGTH
from ledger.models.rate import ExchangeRate
from ledger.types import Conversion
from sunusav.core.fields import ExactCharField


class CurrencyConversion(models.Model):
    """An amount in msat and its equivalent in francs, with the rate row used. Append-only.

    `is_fallback_allowed` keeps the setting of that moment: a fallback rate moves francs only where it is
    true (I17).
    """

    reference = ExactCharField(_("reference"), max_length=REFERENCE_LENGTH)
    kind = models.CharField(_("kind"), max_length=20, choices=choices_of(ConversionKind))
    amount_msat = models.BigIntegerField(_("amount"))
    amount_xof = models.BigIntegerField(_("amount"))
    rate = models.ForeignKey(
        ExchangeRate, on_delete=models.RESTRICT, related_name="conversions", verbose_name=_("rate")
    )
    is_fallback_allowed = models.BooleanField(_("is fallback allowed"))
    converted_at = models.DateTimeField(_("converted at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("currency conversion")
        verbose_name_plural = _("currency conversions")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["converted_at"], name="currencyconversion_by_moment")
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference"], name="currencyconversion_reference_used_once"),
            models.CheckConstraint(
                name="currencyconversion_amounts_not_negative",
                condition=Q(amount_msat__gte=0, amount_xof__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_msat} msat = {self.amount_xof} XOF ({self.reference})"

    @property
    def value(self) -> Conversion:
        return Conversion(ConversionKind(self.kind), self.amount_msat, self.amount_xof, self.rate.value)
