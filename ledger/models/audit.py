from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import AuditKind


class AuditRun(models.Model):
    """One complete audit, also of books without a breach. An audit that did not end has no row.

    It checked the books as they were at `started_at`, when `last_transaction_id` was the newest journal transaction: a
    full audit everything, a fast one what was recorded since `checked_since`. Removed after 90 days.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=AuditKind)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"))
    checked_since = models.DateTimeField(_("checked since"), null=True)
    last_transaction_id = models.BigIntegerField(_("checked up to transaction"))
    breaches_found = models.PositiveIntegerField(_("breaches found"))
    waiting_found = models.PositiveIntegerField(_("found waiting too long"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("audit of the books")
        verbose_name_plural = _("audits of the books")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["kind", "id"], name="auditrun_by_kind"),
            models.Index(fields=["ended_at"], name="auditrun_by_end"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="auditrun_ends_after_its_start", condition=Q(ended_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="auditrun_only_fast_since_a_moment",
                condition=Q(kind=AuditKind.FULL, checked_since=None)
                | Q(kind=AuditKind.FAST, checked_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at}: {self.breaches_found} breaches"
