from typing import Any, ClassVar

from django.db import models


class OutboxMessage(models.Model):
    """A message to the platform, written in the transaction of the change it reports, delivered at least once."""

    topic = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    payload = models.JSONField()
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "outbox message"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["delivered_at", "next_try_at"], name="outbox_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.subject}"
