from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class OutboxMessage(models.Model):
    """A message to the platform, written in the transaction of the change it reports, delivered at least once."""

    topic = models.CharField(_("topic"), max_length=60)
    subject = models.CharField(_("subject"), max_length=120)
    payload = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at"))
    next_try_at = models.DateTimeField(_("next try at"))
    tries = models.PositiveIntegerField(_("tries"), default=0)
    delivered_at = models.DateTimeField(_("delivered at"), null=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["delivered_at", "next_try_at"], name="outbox_waiting"),
            models.Index(fields=["subject", "id"], name="outbox_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.subject}"
