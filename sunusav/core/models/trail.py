from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from sunusav.core.fields import ExactCharField
from sunusav.core.models.sealing import SealBase


class TrailEntry(models.Model):
    """One fact about who did what to which subject, and why. Triggers refuse update and delete."""

    subject = ExactCharField(max_length=120)
    action = models.CharField(max_length=60)
    from_state = models.CharField(max_length=30, blank=True)
    to_state = models.CharField(max_length=30, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.RESTRICT, related_name="trail_entries"
    )
    actor_label = models.CharField(max_length=150)
    reason = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "trail entry"
        verbose_name_plural = "trail"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["subject", "id"], name="trail_by_subject")]

    def __str__(self) -> str:
        return f"{self.subject} {self.action}"


class TrailSeal(SealBase):
    """The hash that chains one trail entry to all before it."""

    entry = models.OneToOneField(TrailEntry, on_delete=models.RESTRICT, related_name="seal")

    class Meta(SealBase.Meta):
        default_permissions = ("view",)
        verbose_name = "trail seal"
