from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField
from sunusav.core.models.sealing import SealBase


class TrailEntry(models.Model):
    """One fact about who did what to which subject, and why. Triggers refuse update and delete."""

    subject = ExactCharField(_("subject"), max_length=120)
    action = models.CharField(_("action"), max_length=60)
    from_state = models.CharField(_("from state"), max_length=30, blank=True)
    to_state = models.CharField(_("to state"), max_length=30, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.RESTRICT,
        related_name="trail_entries",
        verbose_name=_("actor"),
    )
    actor_label = models.CharField(_("actor label"), max_length=150)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    at = models.DateTimeField(_("at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("trail entry")
        verbose_name_plural = _("trail")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["subject", "id"], name="trail_by_subject"),
            models.Index(fields=["at"], name="trail_by_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.action}"


class TrailSeal(SealBase):
    """The hash that chains one trail entry to all before it."""

    entry = models.OneToOneField(
        TrailEntry, on_delete=models.RESTRICT, related_name="seal", verbose_name=_("entry")
    )

    class Meta(SealBase.Meta):
        default_permissions = ("view",)
        verbose_name = _("trail seal")
        verbose_name_plural = _("trail seals")
