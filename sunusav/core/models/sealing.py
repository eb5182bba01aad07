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


class SealerLock(models.Model):
    """The row that a sealer locks, so that only one extends a chain at a time. One row per chain.

    `floor` is the sealer's low-water mark: every row with an id up to it is sealed.
    """

    chain = models.CharField(_("chain"), max_length=30, primary_key=True)
    floor = models.BigIntegerField(_("floor"), default=0)

    class Meta:
        verbose_name = _("sealer lock")
        verbose_name_plural = _("sealer locks")
        default_permissions = ()

    def __str__(self) -> str:
        return self.chain
