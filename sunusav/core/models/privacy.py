from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField


class PersonKey(models.Model):
    """The key under which one person's data is sealed. Erasing the key erases the data everywhere.

    Source: Senegal's law 2008-12 on personal data.
    """

    person_ref = ExactCharField(_("person ref"), max_length=120, unique=True)
    wrapped_key = models.BinaryField(_("wrapped key"), null=True)
    key_id = models.CharField(
        _("key id"),
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text=_("which master key wraps it"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    erased_at = models.DateTimeField(_("erased at"), null=True)

    class Meta:
        verbose_name = _("person key")
        verbose_name_plural = _("person keys")
        default_permissions = ()
        permissions = [("reveal_person", "Can reveal a person's name and phone")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["erased_at"], name="personkey_by_erasure"),
            models.Index(fields=["key_id"], name="personkey_by_key_id"),
        ]

    def __str__(self) -> str:
        return str(self.person_ref)
