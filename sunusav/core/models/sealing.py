from django.db import models
from django.utils.translation import gettext_lazy as _


class SealBase(models.Model):
    """A link of a hash chain. Rows are written by one sealer at a time and never changed."""

    seq = models.BigIntegerField(_("seq"), primary_key=True)
    hash = models.CharField(_("hash"), max_length=64)
    sealed_at = models.DateTimeField(_("sealed at"), db_index=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.seq} {self.hash[:12]}"
