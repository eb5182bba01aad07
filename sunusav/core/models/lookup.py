from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField

TOKEN_DIGITS = 32


class LookupToken(models.Model):
    """By which keyed hash a subject is found: of its phone, or of the beginning of a word of its name.

    Erasing a person deletes theirs.
    """

    subject = ExactCharField(_("subject"), max_length=120)
    token = ExactCharField(_("token"), max_length=TOKEN_DIGITS)

    class Meta:
        default_permissions = ()
        verbose_name = _("look-up token")
        verbose_name_plural = _("look-up tokens")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["subject"], name="lookuptoken_by_subject"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["token", "subject"], name="lookuptoken_once_per_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.token} of {self.subject}"
