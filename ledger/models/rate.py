from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import QuarantineReason
from ledger.models.choices import choices_of
from ledger.types import Rate

RATE_DIGITS = 20
RATE_PLACES = 8
MARKET_SOURCE = "market"
MANUAL_SOURCE = "manual"
FALLBACK_SOURCE = "fallback"


class ManualRateRequest(models.Model):
    """A rate that one person proposes to record. Append-only; the decision is a proposal in core."""

    rate_xof_per_btc = models.DecimalField(_("rate"), max_digits=RATE_DIGITS, decimal_places=RATE_PLACES)
    reason = models.CharField(_("reason"), max_length=500)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("manual rate request")
        verbose_name_plural = _("manual rate requests")
        permissions = [
            ("propose_manual_rate", "Can propose a manual exchange rate"),
            ("approve_manual_rate", "Can approve a manual exchange rate"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="manualraterequest_is_positive", condition=Q(rate_xof_per_btc__gt=0)),
            models.CheckConstraint(name="manualraterequest_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.rate_xof_per_btc.normalize():f} XOF/BTC by {self.requested_by_id}"


class ExchangeRateQuerySet(models.QuerySet["ExchangeRate"]):
    def accepted(self) -> "ExchangeRateQuerySet":
        """Keep rates from the market or from two people that are not in quarantine."""
        return self.filter(is_quarantined=False, is_fallback=False)

    def fallback(self) -> "ExchangeRateQuerySet":
        return self.filter(is_fallback=True)

    def newest(self) -> "ExchangeRate | None":
        return self.order_by("-observed_at", "-id").first()


class ExchangeRate(models.Model):
    """The price of a bitcoin in francs at a moment, its source, and whether it may be used. Append-only."""

    rate_xof_per_btc = models.DecimalField(_("rate"), max_digits=RATE_DIGITS, decimal_places=RATE_PLACES)
    source = models.CharField(_("source"), max_length=60)
    observed_at = models.DateTimeField(_("observed at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    is_fallback = models.BooleanField(_("is fallback"), default=False)
    is_quarantined = models.BooleanField(_("is quarantined"), default=False)
    quarantine_reason = models.CharField(
        _("quarantine reason"),
        max_length=30,
        blank=True,
        choices=choices_of(reason for reason in QuarantineReason if reason),
    )
    components = models.JSONField(_("components"), default=dict)
    request = models.OneToOneField(
        ManualRateRequest,
        null=True,
        on_delete=models.RESTRICT,
        related_name="recorded_rate",
        verbose_name=_("request"),
    )

    objects = ExchangeRateQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="exchangerate_is_positive", condition=Q(rate_xof_per_btc__gt=0)),
            models.CheckConstraint(
                name="exchangerate_quarantine_has_reason",
                condition=Q(is_quarantined=False, quarantine_reason="")
                | (Q(is_quarantined=True) & ~Q(quarantine_reason="")),
            ),
            models.CheckConstraint(
                name="exchangerate_fallback_is_not_quarantined",
                condition=~Q(is_fallback=True, is_quarantined=True),
            ),
            models.CheckConstraint(
                name="exchangerate_manual_has_request",
                condition=Q(source=MANUAL_SOURCE, request__isnull=False)
                | (~Q(source=MANUAL_SOURCE) & Q(request__isnull=True)),
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["is_fallback", "is_quarantined", "observed_at"], name="rate_by_use"),
            models.Index(fields=["observed_at"], name="rate_by_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.rate_xof_per_btc.normalize():f} XOF/BTC ({self.source})"

    @property
    def value(self) -> Rate:
        return Rate(self.pk, self.rate_xof_per_btc, self.source, self.observed_at, self.is_fallback)
