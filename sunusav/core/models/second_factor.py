from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.models.approval import FOUR_EYES, DecidedByTwo


class SecondFactorReset(DecidedByTwo):
    """That two people deleted a third person's device and recovery codes. Append-only."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("user")
    )
    reset_at = models.DateTimeField(_("reset at"))

    class Meta:
        default_permissions = ()
        verbose_name = _("reset of a second factor")
        verbose_name_plural = _("resets of second factors")
        permissions = [
            ("propose_second_factor_reset", "Can propose to reset a person's second factor"),
            ("approve_second_factor_reset", "Can approve resetting a person's second factor"),
        ]
        constraints: ClassVar[list[Any]] = [
            FOUR_EYES,
            models.CheckConstraint(
                name="secondfactorreset_of_a_third_person",
                condition=~Q(user=F("proposer")) & ~Q(user=F("approver")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.reset_at}"
