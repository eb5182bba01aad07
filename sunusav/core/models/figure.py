from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class DailyFigure(models.Model):
    """A figure of one Dakar day, such as what was paid, by part (a rail, a share). Computed, never booked from.

    A day that has been computed has at least one row: with the part "" and 0 when nothing happened.
    """

    series = models.CharField(_("series"), max_length=60)
    day = models.DateField(_("day"))
    part = models.CharField(_("part"), max_length=40, blank=True)
    value = models.DecimalField(_("value"), max_digits=30, decimal_places=8)
    computed_at = models.DateTimeField(_("computed at"))

    class Meta:
        default_permissions = ()
        verbose_name = _("daily figure")
        verbose_name_plural = _("daily figures")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["series", "day", "part"], name="dailyfigure_one_per_part"),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.day} {self.part}"
