from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import IdentifierField


class Refund(models.Model):
    """That a member's credit is to be paid out to them. How far it is, its disbursement says. Append-only."""

    user_id = IdentifierField(_("user id"))
    amount_sats = models.BigIntegerField(_("amount"))
    reason = models.CharField(_("reason"), max_length=500)
    requested_by = models.CharField(_("requested by"), max_length=150)
    requested_at = models.DateTimeField(_("requested at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        permissions = [
            ("request_refund", "Can have a member's credit paid out"),
            ("cancel_refund", "Can cancel a refund"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["user_id", "id"], name="refund_by_user"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="refund_amount_is_positive", condition=Q(amount_sats__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.amount_sats} sats to {self.user_id}"
