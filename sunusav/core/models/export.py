from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField

KEY_LENGTH = 120


class ExportState(models.TextChoices):
    PREPARING = "preparing"
    READY = "ready"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ExportFormat(models.TextChoices):
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


class Export(models.Model):
    """A file of the rows that a list showed at a moment, prepared by workers and deleted with its row.

    `filters` is the query of the list. Rows are read in the order of their keys, from `lower_key` to `upper_key`, the
    first and last of the table at the request; those up to `cursor` are in the files that `segments` names: the claim
    that wrote each, and how many of its bytes count. `claim` is a fence: a worker that lost its lease can change
    nothing. `tries` are claims since the last progress. `folder` is the name of the folder that holds the files.
    """

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("requester")
    )
    list_name = models.CharField(_("list"), max_length=80)
    filters = models.JSONField(_("filters"), default=dict)
    file_format = models.CharField(_("format"), max_length=4, choices=ExportFormat)
    language = models.CharField(_("language"), max_length=10)
    state = models.CharField(_("state"), max_length=12, choices=ExportState, default=ExportState.PREPARING)
    lower_key = ExactCharField(_("first key"), max_length=KEY_LENGTH, blank=True)
    upper_key = ExactCharField(_("last key"), max_length=KEY_LENGTH, blank=True)
    cursor = ExactCharField(_("cursor"), max_length=KEY_LENGTH, blank=True)
    rows_done = models.PositiveIntegerField(_("rows"), default=0)
    segments = models.JSONField(_("segments"), default=list)
    claim = models.PositiveIntegerField(_("claim"), default=0)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    leased_until = models.DateTimeField(_("leased until"), null=True)
    worked_at = models.DateTimeField(_("worked at"))
    folder = ExactCharField(_("folder"), max_length=64, unique=True)
    file_bytes = models.PositiveBigIntegerField(_("size"), null=True)
    failure_code = models.CharField(_("failure"), max_length=80, blank=True)
    failure_facts = models.JSONField(_("failure facts"), default=dict)
    requested_at = models.DateTimeField(_("requested at"))
    ready_at = models.DateTimeField(_("ready at"), null=True)
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "worked_at"], name="export_by_state"),
            models.Index(fields=["expires_at"], name="export_by_expiry"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="export_ready_has_file",
                condition=Q(state="ready", ready_at__isnull=False, file_bytes__isnull=False)
                | (~Q(state="ready") & Q(ready_at__isnull=True, file_bytes__isnull=True)),
            ),
            models.CheckConstraint(
                name="export_leased_while_preparing",
                condition=Q(state="preparing") | Q(leased_until__isnull=True),
            ),
            models.CheckConstraint(
                name="export_failed_has_code",
                condition=Q(state="failed") & ~Q(failure_code="") | ~Q(state="failed") & Q(failure_code=""),
            ),
            models.CheckConstraint(
                name="export_expires_after_request", condition=Q(expires_at__gt=F("requested_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.list_name} ({self.file_format})"
