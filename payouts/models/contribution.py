from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payouts.models.cycle import Cycle
from sunusav.core.fields import IdentifierField


class Contribution(models.Model):
    """What one member owes to one cycle. Whether it is paid is read from its collection in `transfers`."""

    cycle = models.ForeignKey(
        Cycle, on_delete=models.RESTRICT, related_name="contributions", verbose_name=_("cycle")
    )
    user_id = IdentifierField(_("user id"))
    amount_sats = models.BigIntegerField(_("amount"))
    return_transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        null=True,
        on_delete=models.RESTRICT,
        related_name="returned_contribution",
        verbose_name=_("returned by"),
        help_text=_("made it the member's credit when the cycle was cancelled"),
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("contribution")
        verbose_name_plural = _("contributions")
        permissions = [("open_contribution", "Can ask a member for a contribution")]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["user_id", "id"], name="contribution_by_user")]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["cycle", "user_id"], name="contribution_once_per_member_and_cycle"
            ),
            models.CheckConstraint(name="contribution_amount_is_positive", condition=Q(amount_sats__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.cycle_id}"
