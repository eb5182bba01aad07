from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import IdentifierField
from sunusav.core.models import FOUR_EYES, DecidedByTwo


class MemberErasure(DecidedByTwo):
    """That two people had a member's name and phone erased. Append-only, once per person."""

    user_id = IdentifierField(_("user id"), unique=True)
    erased_at = models.DateTimeField(_("erased at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("erasure of a member's data")
        verbose_name_plural = _("erasures of members' data")
        permissions = [
            ("propose_member_erasure", "Can propose to erase a member's personal data"),
            ("approve_member_erasure", "Can approve erasing a member's personal data"),
        ]
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.erased_at}"
