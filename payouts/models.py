from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from payouts.enums import CycleState
from sunusav.core.fields import IdentifierField
from transfers.types import Destination


class Group(models.Model):
    """A tontine. Its verification is a discount in `fees` that two people approved."""

    id = IdentifierField(primary_key=True)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    settlement_partner = models.ForeignKey(
        "transfers.Partner",
        on_delete=models.RESTRICT,
        related_name="+",
        help_text="to whom the partner share of its fees accrues",
    )
    skip_non_working_days = models.BooleanField(
        default=False, help_text="scheduled payouts wait for the next working day in Senegal"
    )
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "group"
        permissions = [
            ("create_group", "Can create a group"),
            ("propose_group_verification", "Can propose that a group is verified, or no longer"),
            ("approve_group_verification", "Can approve that a group is verified, or no longer"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class Member(models.Model):
    """A member of a group, by the platform's identifier. Name and phone are encrypted under the person's key."""

    group = models.ForeignKey(Group, on_delete=models.RESTRICT, related_name="members")
    user_id = IdentifierField()
    sealed_name = models.BinaryField()
    sealed_phone = models.BinaryField()
    added_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "member"
        permissions = [("add_group_member", "Can add a member to a group")]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["group", "user_id"], name="member_once_per_group"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.group_id}"


class Cycle(models.Model):
    """One round of a tontine: every member contributes, and one receives the pot."""

    id = IdentifierField(primary_key=True)
    group = models.ForeignKey(Group, on_delete=models.RESTRICT, related_name="cycles")
    cycle_index = models.PositiveIntegerField()
    contribution_sats = models.BigIntegerField()
    winner_user_id = IdentifierField()
    members_count = models.PositiveIntegerField(help_text="those at the cycle's creation")
    state = models.CharField(max_length=12, choices=CycleState, default=CycleState.COLLECTING)
    ready_at = models.DateTimeField(null=True)
    destination_rail = models.CharField(max_length=30, blank=True)
    destination_kind = models.CharField(max_length=30, blank=True)
    destination_value = models.TextField(blank=True)
    destination_set_at = models.DateTimeField(null=True)
    destination_replaced_at = models.DateTimeField(
        null=True, help_text="when, the cycle being ready, it became another payee's"
    )
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "cycle"
        permissions = [
            ("create_cycle", "Can create a cycle"),
            ("set_destination", "Can say where a winner is paid"),
            ("request_payout", "Can have a cycle paid out"),
            ("schedule_payout", "Can schedule a cycle's payout"),
            ("view_payout", "Can view payouts and their receipts"),
            ("retry_payout", "Can retry a failed payout"),
            ("cancel_payout", "Can cancel a payout"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "created_at"], name="cycle_by_state"),
            models.Index(fields=["winner_user_id", "id"], name="cycle_by_winner"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["group", "cycle_index"], name="cycle_index_used_once_per_group"),
            models.CheckConstraint(
                name="cycle_contribution_is_positive", condition=Q(contribution_sats__gt=0)
            ),
            models.CheckConstraint(name="cycle_has_members", condition=Q(members_count__gt=0)),
            models.CheckConstraint(
                name="cycle_ready_has_moment",
                condition=Q(state="collecting", ready_at=None) | Q(state="ready", ready_at__isnull=False),
            ),
            models.CheckConstraint(
                name="cycle_destination_is_whole",
                condition=Q(
                    destination_rail="", destination_kind="", destination_value="", destination_set_at=None
                )
                | (
                    ~Q(destination_rail="")
                    & ~Q(destination_kind="")
                    & ~Q(destination_value="")
                    & Q(destination_set_at__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="cycle_destination_replaced_once_ready",
                condition=Q(destination_replaced_at__isnull=True)
                | Q(state="ready", destination_set_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"

    @property
    def payout_total_sats(self) -> int:
        return self.members_count * self.contribution_sats

    @property
    def destination(self) -> Destination | None:
        if not self.destination_rail:
            return None
        return Destination(self.destination_rail, self.destination_kind, self.destination_value)


class Contribution(models.Model):
    """What one member owes to one cycle. Whether it is paid is read from its collection in `transfers`."""

    cycle = models.ForeignKey(Cycle, on_delete=models.RESTRICT, related_name="contributions")
    user_id = IdentifierField()
    amount_sats = models.BigIntegerField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "contribution"
        permissions = [("open_contribution", "Can ask a member for a contribution")]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["cycle", "user_id"], name="contribution_once_per_member_and_cycle"
            ),
            models.CheckConstraint(name="contribution_amount_is_positive", condition=Q(amount_sats__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.cycle_id}"
