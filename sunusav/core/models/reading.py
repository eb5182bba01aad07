from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class Reading(models.Model):
    """What a periodic task last read, for pages that must be quick and ask no provider: one row per name.

    `health:<component>` is the health of a component; apps name their own.
    """

    name = models.CharField(_("name"), max_length=80, primary_key=True)
    facts = models.JSONField(_("facts"), encoder=DjangoJSONEncoder)
    read_at = models.DateTimeField(_("read at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("reading")
        verbose_name_plural = _("readings")

    def __str__(self) -> str:
        return self.name
