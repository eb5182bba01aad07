from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField, kept_while
from transfers.enums import LIVE_WITHDRAWAL_STATES, UNREDEEMED_STATES, WithdrawalState
from transfers.types import SealedDestination


class WithdrawalLink(models.Model):
    """A link that pays one amount for one subject to the first person who presents its secret.

    The secret itself is not stored: its SHA-256 finds the row. The redeemer's destination is encrypted under the key of
    `person_ref`.
    """

    subject = ExactCharField(_("subject"), max_length=120)
    person_ref = ExactCharField(
        _("person ref"), max_length=120, help_text=_("under whose key the destination is encrypted")
    )
    rail = models.CharField(_("rail"), max_length=30)
    amount_msat = models.BigIntegerField(_("amount"))
    secret_sha256 = ExactCharField(_("secret sha256"), max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=WithdrawalState, default=WithdrawalState.OPEN)
    opened_by = models.CharField(_("opened by"), max_length=150)
    opened_at = models.DateTimeField(_("opened at"))
    expires_at = models.DateTimeField(_("expires at"))
    redeemed_at = models.DateTimeField(_("redeemed at"), null=True)
    destination_kind = models.CharField(_("destination kind"), max_length=30, blank=True)
    sealed_destination = models.BinaryField(_("sealed destination"), null=True)
    take_at = models.DateTimeField(
        _("take at"), null=True, help_text=_("when to request its disbursement next; null: not needed")
    )
    disbursement = models.ForeignKey(
        "transfers.Disbursement",
        null=True,
        on_delete=models.RESTRICT,
        related_name="withdrawal_links",
        verbose_name=_("disbursement"),
    )
    failure_code = models.CharField(_("failure code"), max_length=60, blank=True)
    failure_facts = models.JSONField(_("failure facts"), default=dict)
    live_subject = kept_while(
        "subject", ExactCharField(max_length=120, null=True), state__in=LIVE_WITHDRAWAL_STATES
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("withdrawal link")
        verbose_name_plural = _("withdrawal links")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["take_at"], name="withdrawallink_to_take"),
            models.Index(fields=["state", "expires_at"], name="withdrawallink_by_state"),
            models.Index(fields=["subject", "id"], name="withdrawallink_by_subject"),
            models.Index(fields=["opened_at"], name="withdrawallink_by_opening"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["live_subject"], name="withdrawallink_one_live_per_subject"),
            models.UniqueConstraint(fields=["secret_sha256"], name="withdrawallink_secret_used_once"),
            models.CheckConstraint(name="withdrawallink_amount_is_positive", condition=Q(amount_msat__gt=0)),
            models.CheckConstraint(
                name="withdrawallink_redeemed_has_destination",
                condition=Q(
                    state__in=UNREDEEMED_STATES,
                    redeemed_at=None,
                    destination_kind="",
                    sealed_destination=None,
                )
                | (
                    ~Q(state__in=UNREDEEMED_STATES)
                    & Q(redeemed_at__isnull=False)
                    & ~Q(destination_kind="")
                    & Q(sealed_destination__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="withdrawallink_taken_has_disbursement",
                condition=Q(state=WithdrawalState.TAKEN, disbursement__isnull=False)
                | (~Q(state=WithdrawalState.TAKEN) & Q(disbursement=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.amount_msat} msat ({self.state})"

    @property
    def destination(self) -> SealedDestination | None:
        """Where its redeemer wants to be paid; None before it is redeemed."""
        if self.sealed_destination is None:
            return None
        return SealedDestination(
            self.rail, self.destination_kind, self.person_ref, bytes(self.sealed_destination)
        )
