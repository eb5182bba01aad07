from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import IdentifierField


class Group(models.Model):
    """A tontine. Its verification is a discount in `fees` that two people approved."""

    id = IdentifierField(_("id"), primary_key=True)
    name = models.CharField(_("name"), max_length=120)
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166-1 alpha-2"))
    settlement_partner = models.ForeignKey(
        "transfers.Partner",
        on_delete=models.RESTRICT,
        related_name="+",
        help_text=_("to whom the partner share of its fees accrues"),
        verbose_name=_("settlement partner"),
    )
    skip_non_working_days = models.BooleanField(
        _("skip non working days"),
        default=False,
        help_text=_("scheduled payouts wait for the next working day in Senegal"),
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        indexes: ClassVar[list[Any]] = [models.Index(fields=["name"], name="group_by_name")]
        permissions = [
            ("create_group", "Can create a group"),
            ("change_group_terms", "Can change a group's name and settlement partner"),
            ("propose_group_verification", "Can propose that a group is verified, or no longer"),
            ("approve_group_verification", "Can approve that a group is verified, or no longer"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class Member(models.Model):
    """A member of a group, by the platform's identifier. Name and phone are encrypted under the person's key."""

    group = models.ForeignKey(
        Group, on_delete=models.RESTRICT, related_name="members", verbose_name=_("group")
    )
    user_id = IdentifierField(_("user id"))
    sealed_name = models.BinaryField(_("sealed name"))
    sealed_phone = models.BinaryField(_("sealed phone"))
    added_at = models.DateTimeField(_("added at"))
    left_at = models.DateTimeField(_("left at"), null=True)
    phone_replaced_at = models.DateTimeField(
        _("phone replaced at"), null=True, help_text=_("when the person last gave a phone they did not have")
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("member")
        verbose_name_plural = _("members")
        permissions = [
            ("add_group_member", "Can add a member to a group"),
            ("remove_group_member", "Can remove a member from a group"),
            ("change_person", "Can change a member's name and phone"),
            ("export_person", "Can export what is kept about a member"),
            ("propose_member_correction", "Can propose to correct a member's name or phone"),
            ("approve_member_correction", "Can approve correcting a member's name or phone"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["user_id", "id"], name="member_by_user"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["group", "user_id"], name="member_once_per_group"),
            models.CheckConstraint(
                name="member_leaves_after_joining",
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("added_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.group_id}"
