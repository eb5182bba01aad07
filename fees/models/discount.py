from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fees.calculations import BPS
from fees.enums import DiscountKind
from sunusav.core.fields import ExactCharField, kept_while


class DiscountGrantQuerySet(models.QuerySet["DiscountGrant"]):
    def active_at(self, at: datetime) -> Self:
        """Keep grants in force at that moment, which may be in the past."""
        return self.filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at),
            Q(closed_at__isnull=True) | Q(closed_at__gt=at),
            starts_at__lte=at,
        )


class DiscountGrant(models.Model):
    """A discount for a holder: `group:<id>` or `user:<id>`. Closed when revoked, or when another one follows.

    Without `discount_bps` the discount is that of the fee schedule in effect.
    """

    holder = ExactCharField(_("holder"), max_length=80)
    kind = models.CharField(_("kind"), max_length=20, choices=DiscountKind)
    discount_bps = models.PositiveIntegerField(_("discount"), null=True)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True)
    granted_for = ExactCharField(_("granted for"), max_length=120)
    granted_at = models.DateTimeField(_("granted at"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    open_holder = kept_while("holder", ExactCharField(max_length=80, null=True), closed_at__isnull=True)

    objects = DiscountGrantQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("discount")
        verbose_name_plural = _("discounts")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["holder", "kind", "starts_at"], name="discountgrant_by_holder"),
            models.Index(fields=["starts_at"], name="discountgrant_by_start"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["open_holder", "kind"], name="discountgrant_one_open_per_holder_and_kind"
            ),
            models.CheckConstraint(
                name="discountgrant_within_whole",
                condition=Q(discount_bps__isnull=True) | Q(discount_bps__lte=BPS),
            ),
            models.CheckConstraint(
                name="discountgrant_ends_after_start",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="discountgrant_kind_is_known", condition=Q(kind__in=DiscountKind.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.holder}"
