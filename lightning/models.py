from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ListenerCursor(models.Model):
    """The index of the last recorded settlement of one node. Each node counts its own settlements."""

    node_pubkey = models.CharField(_("node pubkey"), max_length=66, primary_key=True)
    settle_index = models.BigIntegerField(_("settle index"), default=0)
    moved_at = models.DateTimeField(_("moved at"), null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("listener cursor")
        verbose_name_plural = _("listener cursors")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="listenercursor_index_is_not_negative", condition=Q(settle_index__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node_pubkey[:12]} at {self.settle_index}"
