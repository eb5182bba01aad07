"""Where the listener stopped."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class ListenerCursor(models.Model):
    """How far we have recorded the settlements of one node; another node counts its own."""

    node_pubkey = models.CharField(max_length=66, primary_key=True)
    settle_index = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "listener cursor"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="listenercursor_index_is_not_negative", condition=Q(settle_index__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node_pubkey[:12]} at {self.settle_index}"
