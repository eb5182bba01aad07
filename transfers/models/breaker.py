from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from transfers.enums import BreakerState


class RailBreaker(models.Model):
    """The circuit breaker of a rail. A row exists once the rail failed; a rail that pays writes nothing here.

    While the rail is stopped, `retry_at` is when one payment (`probe_id`, a disbursement) may try it again; the next
    try is by the payment that follows `last_probe_id`. `failed_ids` are the payments that failed in a row, each once.
    """

    rail = models.CharField(_("rail"), max_length=30, primary_key=True)
    state = models.CharField(_("state"), max_length=10, choices=BreakerState, default=BreakerState.CLOSED)
    failures = models.PositiveIntegerField(
        _("failures"), default=0, help_text=_("in a row, since it last paid")
    )
    failed_ids = models.JSONField(_("failed payments"), default=list)
    wait_seconds = models.PositiveIntegerField(_("wait seconds"), default=0)
    retry_at = models.DateTimeField(_("retry at"), null=True)
    probe_id = models.BigIntegerField(_("probe id"), null=True)
    last_probe_id = models.BigIntegerField(_("last probe id"), null=True)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("rail breaker")
        verbose_name_plural = _("rail breakers")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="railbreaker_stopped_is_tried_again",
                condition=Q(state=BreakerState.CLOSED, retry_at__isnull=True, probe_id__isnull=True)
                | Q(state=BreakerState.OPEN, retry_at__isnull=False, probe_id__isnull=True)
                | Q(state=BreakerState.HALF_OPEN, retry_at__isnull=False, probe_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rail} ({self.state})"
