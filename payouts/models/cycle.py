from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payouts.enums import CycleState
from payouts.models.group import Group
from sunusav.core.fields import IdentifierField
from sunusav.core.models import FOUR_EYES, DecidedByTwo
from transfers.types import SealedDestination, member_ref


class Cycle(models.Model):
    """One round of a tontine: every member contributes, and one receives the pot.

    Where the winner is paid is encrypted under their key.
    """

    id = IdentifierField(_("id"), primary_key=True)
    group = models.ForeignKey(
        Group, on_delete=models.RESTRICT, related_name="cycles", verbose_name=_("group")
    )
    cycle_index = models.PositiveIntegerField(_("cycle index"))
    contribution_sats = models.BigIntegerField(_("contribution"))
    winner_user_id = IdentifierField(_("winner user id"))
    members_count = models.PositiveIntegerField(
        _("members count"), help_text=_("those at the cycle's creation")
    )
    state = models.CharField(_("state"), max_length=12, choices=CycleState, default=CycleState.COLLECTING)
    ready_at = models.DateTimeField(_("ready at"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True)
    settled_count = models.PositiveIntegerField(
        _("contributions settled"),
        null=True,
        help_text=_(
            "when it stopped collecting: fewer than its members, if it was closed short or cancelled"
        ),
    )
    winner_replaced_at = models.DateTimeField(
        _("winner replaced at"), null=True, help_text=_("when, the cycle being ready, its turn was exchanged")
    )
    destination_rail = models.CharField(_("destination rail"), max_length=30, blank=True)
    destination_kind = models.CharField(_("destination kind"), max_length=30, blank=True)
    sealed_destination = models.BinaryField(_("sealed destination"), null=True)
    destination_set_at = models.DateTimeField(_("destination set at"), null=True)
    destination_replaced_at = models.DateTimeField(
        _("destination replaced at"),
        null=True,
        help_text=_("when, the cycle being ready, it became another payee's"),
    )
    second_rail = models.CharField(_("second rail"), max_length=30, blank=True)
    second_kind = models.CharField(_("second kind"), max_length=30, blank=True)
    sealed_second = models.BinaryField(_("sealed second choice"), null=True)
    second_replaced_at = models.DateTimeField(_("second replaced at"), null=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("cycle")
        verbose_name_plural = _("cycles")
        permissions = [
            ("create_cycle", "Can create a cycle"),
            ("cancel_cycle", "Can cancel a cycle"),
            ("close_cycle_short", "Can close a cycle short"),
            ("exchange_winner", "Can give a cycle's turn to another member"),
            ("propose_cycle_change", "Can propose to cancel a cycle, close it short or exchange its turn"),
            ("approve_cycle_change", "Can approve cancelling a cycle, closing it short, exchanging its turn"),
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
            models.Index(fields=["created_at"], name="cycle_by_creation"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["group", "cycle_index"], name="cycle_index_used_once_per_group"),
            models.CheckConstraint(
                name="cycle_contribution_is_positive", condition=Q(contribution_sats__gt=0)
            ),
            models.CheckConstraint(name="cycle_has_members", condition=Q(members_count__gt=0)),
            models.CheckConstraint(
                name="cycle_state_has_its_moments",
                condition=Q(state="collecting", ready_at=None, cancelled_at=None, settled_count=None)
                | Q(
                    state="ready",
                    ready_at__isnull=False,
                    cancelled_at=None,
                    settled_count__isnull=False,
                    settled_count__gt=0,
                )
                | Q(state="cancelled", cancelled_at__isnull=False, settled_count__isnull=False),
            ),
            models.CheckConstraint(
                name="cycle_settled_are_members",
                condition=Q(settled_count=None) | Q(settled_count__lte=F("members_count")),
            ),
            models.CheckConstraint(
                name="cycle_winner_replaced_once_ready",
                condition=Q(winner_replaced_at=None) | Q(ready_at__isnull=False),
            ),
            models.CheckConstraint(
                name="cycle_destination_is_whole",
                condition=Q(
                    destination_rail="", destination_kind="", sealed_destination=None, destination_set_at=None
                )
                | (
                    ~Q(destination_rail="")
                    & ~Q(destination_kind="")
                    & Q(sealed_destination__isnull=False)
                    & Q(destination_set_at__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="cycle_second_choice_is_whole",
                condition=Q(second_rail="", second_kind="", sealed_second=None, second_replaced_at=None)
                | (
                    ~Q(second_rail="")
                    & ~Q(second_kind="")
                    & Q(sealed_second__isnull=False)
                    & ~Q(destination_rail="")
                ),
            ),
            models.CheckConstraint(
                name="cycle_destination_replaced_once_ready",
                condition=Q(destination_replaced_at__isnull=True)
                | Q(ready_at__isnull=False, destination_set_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"

    @property
    def payout_total_sats(self) -> int:
        """The pot: of all members while it collects, then of those who paid."""
        payers = self.members_count if self.settled_count is None else self.settled_count
        return payers * self.contribution_sats

    @property
    def is_short(self) -> bool:
        """Whether it is paid out with fewer contributions than it has members."""
        return self.ready_at is not None and self.settled_count != self.members_count

    @property
    def destinations(self) -> tuple[SealedDestination, ...]:
        """Where the winner is paid, and where if that is finally refused."""
        person = member_ref(self.winner_user_id)
        given = (
            (self.destination_rail, self.destination_kind, self.sealed_destination),
            (self.second_rail, self.second_kind, self.sealed_second),
        )
        return tuple(
            SealedDestination(rail, kind, person, bytes(sealed))
            for rail, kind, sealed in given
            if sealed is not None
        )

    @property
    def replaced_at(self) -> tuple[datetime | None, ...]:
        """When each of its destinations last became another payee's."""
        return (self.destination_replaced_at, self.second_replaced_at)[: len(self.destinations)]


class CycleReopening(DecidedByTwo):
    """That two people let a cycle be paid again whose payout was reversed. Append-only, once per payout."""

    cycle = models.ForeignKey(
        Cycle, on_delete=models.RESTRICT, related_name="reopenings", verbose_name=_("cycle")
    )
    payout = models.OneToOneField(
        "transfers.Disbursement", on_delete=models.RESTRICT, related_name="+", verbose_name=_("payout")
    )
    reopened_at = models.DateTimeField(_("reopened at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("reopening of a cycle")
        verbose_name_plural = _("reopenings of cycles")
        permissions = [
            ("propose_cycle_reopening", "Can propose to reopen a cycle whose payout was reversed"),
            ("approve_cycle_reopening", "Can approve reopening a cycle"),
        ]
        constraints: ClassVar[list[Any]] = [
            FOUR_EYES,
        ]

    def __str__(self) -> str:
        return f"{self.cycle_id} #{self.payout_id}"
