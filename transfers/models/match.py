from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField
from transfers.enums import MismatchCode
from transfers.models.disbursement import Disbursement


class RailMatch(models.Model):
    """One complete run that matched a provider's statement with our attempts. Append-only.

    `mismatches_found` counts all; the first ones are kept as rows.
    """

    rail = models.CharField(_("rail"), max_length=30)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"))
    lines_read = models.PositiveBigIntegerField(_("lines read"))
    attempts_read = models.PositiveBigIntegerField(_("attempts read"))
    mismatches_found = models.PositiveBigIntegerField(_("mismatches found"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("match with a provider")
        verbose_name_plural = _("matches with providers")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["rail", "id"], name="railmatch_by_rail"),
            models.Index(fields=["started_at"], name="railmatch_by_start"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="railmatch_ends_after_its_start", condition=Q(ended_at__gte=F("started_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rail} {self.started_at}: {self.mismatches_found} mismatches"


class RailMismatch(models.Model):
    """A payment on which provider and books differed in one run. Append-only.

    `disbursement` is null where the provider's reference belongs to none of ours.
    """

    match = models.ForeignKey(
        RailMatch,
        on_delete=models.RESTRICT,
        related_name="mismatches",
        verbose_name=_("match with a provider"),
    )
    code = models.CharField(_("code"), max_length=30, choices=MismatchCode)
    reference = ExactCharField(_("reference"), max_length=200)
    disbursement = models.ForeignKey(
        Disbursement, null=True, on_delete=models.RESTRICT, related_name="+", verbose_name=_("disbursement")
    )
    facts = models.JSONField(_("facts"), default=dict)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("mismatch with a provider")
        verbose_name_plural = _("mismatches with providers")
        indexes: ClassVar[list[Any]] = [models.Index(fields=["reference"], name="railmismatch_by_reference")]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="railmismatch_code_is_known", condition=Q(code__in=MismatchCode.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.reference}"
