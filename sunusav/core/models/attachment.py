from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField

NAME_LENGTH = 120
HASH_LENGTH = 64


class MediaType(models.TextChoices):
    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"


class Attachment(models.Model):
    """A file that a person added to a subject as evidence. Triggers refuse update and delete.

    The content is in `settings.ATTACHMENTS_DIR` under `stored_name`, which is random; `name` is what the person called
    the file.
    """

    subject = ExactCharField(_("subject"), max_length=120)
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    media_type = models.CharField(_("media type"), max_length=40, choices=MediaType)
    size_bytes = models.PositiveBigIntegerField(_("size"))
    sha256 = ExactCharField(_("SHA-256"), max_length=HASH_LENGTH)
    stored_name = ExactCharField(_("stored name"), max_length=64, unique=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added at"))

    class Meta:
        default_permissions = ("view",)
        permissions = [("download_attachment", "Can download attachments")]
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes: ClassVar[list[Any]] = [models.Index(fields=["subject", "id"], name="attachment_by_subject")]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["subject", "sha256"], name="attachment_content_once_per_subject"),
            models.CheckConstraint(
                name="attachment_has_subject_and_name", condition=~Q(subject="") & ~Q(name="")
            ),
            models.CheckConstraint(
                name="attachment_media_type_is_known",
                condition=Q(media_type__in=["application/pdf", "image/png", "image/jpeg"]),
            ),
            models.CheckConstraint(name="attachment_is_not_empty", condition=Q(size_bytes__gt=0)),
            models.CheckConstraint(
                name="attachment_hash_is_whole", condition=Exact(Length("sha256"), HASH_LENGTH)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"
