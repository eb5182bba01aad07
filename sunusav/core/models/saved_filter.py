from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField


class SavedFilter(models.Model):
    """How one person filters a list, under a name of theirs. `query` has filters only, never a search term."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_filters",
        verbose_name=_("person"),
    )
    list_name = ExactCharField(_("list"), max_length=100, help_text=_("the model that the list shows"))
    name = ExactCharField(_("name"), max_length=60)
    query = models.CharField(_("filters"), max_length=1000)
    saved_at = models.DateTimeField(_("saved at"))

    class Meta:
        default_permissions = ()
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["person", "list_name", "name"], name="savedfilter_name_once_per_person_and_list"
            ),
            models.CheckConstraint(
                name="savedfilter_has_name_and_filters", condition=~models.Q(name="") & ~models.Q(query="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.list_name}"
