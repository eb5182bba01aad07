from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.models import FOUR_EYES, DecidedByTwo


class FloatMinimum(models.Model):
    """The least that our money at a partner should be, as one person proposes it. Append-only.

    People are alerted when the float is below `minimum_xof`, or lasts for fewer than `minimum_days` at the average of
    the last seven days; 0 alerts nobody. `AdoptedFloatMinimum` puts it in force.
    """

    partner = models.CharField(_("partner"), max_length=30)
    minimum_xof = models.BigIntegerField(_("minimum float"))
    minimum_days = models.PositiveSmallIntegerField(_("minimum days of cover"))
    reason = models.CharField(_("reason"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("minimum float at a partner")
        verbose_name_plural = _("minimum floats at partners")
        permissions = [
            ("propose_float_minimum", "Can propose the minimum float at a partner"),
            ("approve_float_minimum", "Can approve the minimum float at a partner"),
            ("view_partner_balance", "Can read the balance at a partner by the API"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="floatminimum_is_not_negative", condition=Q(minimum_xof__gte=0, minimum_days__gte=0)
            ),
            models.CheckConstraint(name="floatminimum_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.minimum_xof} XOF, {self.minimum_days} days"


class AdoptedFloatMinimum(DecidedByTwo):
    """That two people put a minimum float in force. Append-only; the last one of a partner holds."""

    minimum = models.OneToOneField(
        FloatMinimum, on_delete=models.RESTRICT, related_name="adopted", verbose_name=_("minimum float")
    )
    adopted_at = models.DateTimeField(_("adopted at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("minimum float in force")
        verbose_name_plural = _("minimum floats in force")
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"minimum {self.minimum_id} since {self.adopted_at}"
