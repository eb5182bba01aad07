from typing import Any, ClassVar

from django.db import models

from sunusav.core.fields import IdentifierField


class Partner(models.Model):
    """A settlement partner of the directory: the countries it serves, before it can pay or be paid."""

    code = IdentifierField(primary_key=True)
    name = models.CharField(max_length=80)
    countries = models.JSONField(help_text="ISO 3166-1 alpha-2 codes")
    position = models.PositiveSmallIntegerField(
        unique=True, help_text="the first enabled one is a country's default"
    )
    is_enabled = models.BooleanField(default=True)

    class Meta:
        default_permissions = ("view",)
        ordering: ClassVar[list[Any]] = ["position"]
        verbose_name = "partner"

    def __str__(self) -> str:
        return self.name
