from django.db import models


class SealBase(models.Model):
    """A link of a hash chain. Rows are written by one sealer at a time and never changed."""

    seq = models.BigIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(db_index=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.seq} {self.hash[:12]}"


class SealerLock(models.Model):
    """The row that a sealer locks, so that only one extends a chain at a time. One row per chain.

    `floor` is the sealer's low-water mark: every row with an id up to it is sealed.
    """

    chain = models.CharField(max_length=30, primary_key=True)
    floor = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.chain
