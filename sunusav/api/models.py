from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class KeyState(models.TextChoices):
    RUNNING = "running"
    ANSWERED = "answered"
    RELEASED = "released"


class IdempotencyKey(models.Model):
    """A client's idempotency key, and the answer that is stored for it.

    A released key belongs to a request that was rejected before it ran. It may be used again, also with another body.
    """

    scope_hash = models.CharField(
        _("scope hash"), max_length=64, help_text=_("SHA-256 of client, method, path and key.")
    )
    client = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("client")
    )
    fingerprint = models.CharField(_("fingerprint"), max_length=64, help_text=_("Keyed hash of the body."))
    state = models.CharField(_("state"), max_length=8, choices=KeyState, default=KeyState.RUNNING)
    lease = models.CharField(_("lease"), max_length=32)
    leased_at = models.DateTimeField(_("leased at"))
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    headers = models.JSONField(_("headers"), default=dict)
    sealed_content = models.BinaryField(_("sealed content"), null=True)
    key_id = models.CharField(
        _("key id"),
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text=_("which master key encrypts the content"),
    )
    created_at = models.DateTimeField(_("created at"), db_index=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        permissions = [
            ("view_health", "Can view the health of every component"),
            ("view_metrics", "Can view the metrics"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["key_id"], name="idempotencykey_by_key_id"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["scope_hash"], name="idempotencykey_one_per_scope"),
            models.CheckConstraint(
                name="idempotencykey_answered_has_answer",
                condition=Q(state="answered", status__isnull=False, sealed_content__isnull=False)
                | (~Q(state="answered") & Q(status__isnull=True, sealed_content__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope_hash[:12]} {self.state}"
