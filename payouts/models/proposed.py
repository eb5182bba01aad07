from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payouts.models.cycle import Cycle
from sunusav.core.fields import ExactCharField, IdentifierField
from transfers.types import SealedDestination, member_ref


class ProposedExchange(models.Model):
    """Which member one person proposed as the winner of a cycle; another person approves it. Append-only."""

    cycle = models.ForeignKey(
        Cycle, on_delete=models.RESTRICT, related_name="proposed_exchanges", verbose_name=_("cycle")
    )
    winner_user_id = IdentifierField(_("winner user id"))
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("proposed exchange of a turn")
        verbose_name_plural = _("proposed exchanges of turns")

    def __str__(self) -> str:
        return f"{self.cycle_id} to {self.winner_user_id}"


class ProposedRefund(models.Model):
    """Which refund one person proposed; another person approves it. Append-only.

    The destination is encrypted under the member's key: it may be a phone.
    """

    user_id = IdentifierField(_("user id"))
    amount_sats = models.BigIntegerField(_("amount"))
    rail = models.CharField(_("rail"), max_length=30)
    kind = models.CharField(_("kind"), max_length=30)
    sealed_value = models.BinaryField(_("sealed destination"))
    digest = ExactCharField(_("digest of the destination"), max_length=64)
    reason = models.CharField(_("reason"), max_length=500)
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("proposed refund")
        verbose_name_plural = _("proposed refunds")
        permissions = [
            ("propose_refund", "Can propose that a member's credit is paid out"),
            ("approve_refund", "Can approve that a member's credit is paid out"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["user_id"], name="proposedrefund_by_user"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="proposedrefund_amount_is_positive", condition=Q(amount_sats__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.amount_sats} sats to {self.user_id}"


class ProposedCorrection(models.Model):
    """Which name or phone of a member one person proposed; another person approves it. Append-only.

    Both are encrypted under the member's key; null: it stays as it is.
    """

    user_id = IdentifierField(_("user id"))
    sealed_name = models.BinaryField(_("sealed name"), null=True)
    sealed_phone = models.BinaryField(_("sealed phone"), null=True)
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ()
        verbose_name = _("proposed correction of a member")
        verbose_name_plural = _("proposed corrections of members")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["user_id", "id"], name="proposedcorrection_by_user"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="proposedcorrection_changes_something",
                condition=Q(sealed_name__isnull=False) | Q(sealed_phone__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} of {self.user_id}"


class ProposedDestination(models.Model):
    """Where one person proposed to pay a cycle's winner; another person approves it. Append-only.

    Destinations are encrypted under the winner's key, and the digests are keyed with it.
    """

    cycle = models.ForeignKey(
        Cycle, on_delete=models.RESTRICT, related_name="proposed_destinations", verbose_name=_("cycle")
    )
    winner_user_id = IdentifierField(_("winner user id"))
    rail = models.CharField(_("rail"), max_length=30)
    kind = models.CharField(_("kind"), max_length=30)
    sealed_value = models.BinaryField(_("sealed destination"))
    digest = ExactCharField(_("digest of the destination"), max_length=64)
    second_rail = models.CharField(_("second rail"), max_length=30, blank=True)
    second_kind = models.CharField(_("second kind"), max_length=30, blank=True)
    sealed_second = models.BinaryField(_("sealed second choice"), null=True)
    second_digest = ExactCharField(_("digest of the second choice"), max_length=64, blank=True)
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ()
        verbose_name = _("proposed destination of a cycle")
        verbose_name_plural = _("proposed destinations of cycles")
        permissions = [
            ("propose_cycle_destination", "Can propose where a winner is paid"),
            ("approve_cycle_destination", "Can approve where a winner is paid"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="proposeddestination_second_is_whole",
                condition=Q(second_rail="", second_kind="", sealed_second=None, second_digest="")
                | (
                    ~Q(second_rail="")
                    & ~Q(second_kind="")
                    & Q(sealed_second__isnull=False)
                    & ~Q(second_digest="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} of {self.cycle_id}"

    @property
    def destinations(self) -> tuple[SealedDestination, ...]:
        """Where the winner would be paid, and where if that is finally refused."""
        person = member_ref(self.winner_user_id)
        given = (
            (self.rail, self.kind, self.sealed_value),
            (self.second_rail, self.second_kind, self.sealed_second),
        )
        return tuple(
            SealedDestination(rail, kind, person, bytes(sealed))
            for rail, kind, sealed in given
            if sealed is not None
        )
