from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class ListenerCursor(models.Model):
    """The index of the last recorded settlement of one node. Each node counts its own settlements."""

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
