from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import IdentifierField


class Partner(models.Model):
    """A settlement partner of the directory: the countries it serves, before it can pay or be paid."""

    code = IdentifierField(_("code"), primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    countries = models.JSONField(_("countries"), help_text=_("ISO 3166-1 alpha-2 codes"))
    position = models.PositiveSmallIntegerField(
        _("position"), unique=True, help_text=_("the first enabled one is a country's default")
    )
    is_enabled = models.BooleanField(_("is enabled"), default=True)

    class Meta:
        default_permissions = ("view",)
        ordering: ClassVar[list[Any]] = ["position"]
        verbose_name = _("partner")
        verbose_name_plural = _("partners")

    def __str__(self) -> str:
        return self.name
