from django.db import models
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField

NAME_LENGTH = 140


class Lock(models.Model):
    """A row that is locked in place of an append-only one, by the name of what it stands for.

    `floor` is used by hash chains alone: every row with an id up to it is sealed.
    """

    # The name is the key: a locking look-up by it locks this row and no gap, on MySQL and MariaDB.
    name = ExactCharField(_("name"), max_length=NAME_LENGTH, primary_key=True)
    floor = models.BigIntegerField(_("floor"), default=0)

    class Meta:
        verbose_name = _("lock")
        verbose_name_plural = _("locks")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.name)
