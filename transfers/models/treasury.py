from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core.fields import ExactCharField
from sunusav.core.models import FOUR_EYES, DecidedByTwo
from transfers.enums import (
    EXCHANGE_KINDS,
    FLOAT_KINDS,
    GAINING_KINDS,
    KINDS_WITH_COST,
    NODE_KINDS,
    TreasuryKind,
)
from transfers.types import Movement

REFERENCE_LENGTH = 120


class TreasuryMovement(models.Model):
    """A change of a balance that one person proposes to book, with its evidence. Append-only.

    Units: `amount` and `cost` in the currency of the account. `balances` are those of the books and the provider when
    it was proposed. It is booked only when a second person approves it (`BookedMovement`).
    """

    kind = models.CharField(_("kind"), max_length=30, choices=TreasuryKind)
    account_role = models.CharField(_("account role"), max_length=30)
    account_currency = models.CharField(_("account currency"), max_length=4)
    account_owner = ExactCharField(_("account owner"), max_length=80, blank=True)
    amount = models.BigIntegerField(_("amount"))
    cost = models.BigIntegerField(_("cost"), default=0)
    exchanged_xof = models.BigIntegerField(_("francs paid or received"), null=True)
    happened_on = models.DateField(_("happened on"))
    reference = ExactCharField(_("reference"), max_length=REFERENCE_LENGTH)
    explanation = models.CharField(_("explanation"), max_length=500)
    balances = models.JSONField(_("balances"), default=dict)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("movement of the treasury")
        verbose_name_plural = _("movements of the treasury")
        permissions = [
            ("propose_treasury_movement", "Can propose a movement of the treasury"),
            ("approve_treasury_movement", "Can approve a movement of the treasury"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["reference"], name="treasurymovement_by_reference"),
            models.Index(fields=["happened_on"], name="treasurymovement_by_day"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="treasurymovement_kind_is_known", condition=Q(kind__in=TreasuryKind.values)
            ),
            models.CheckConstraint(
                name="treasurymovement_kind_fits_its_account",
                condition=~Q(kind__in=(*NODE_KINDS, *FLOAT_KINDS, *EXCHANGE_KINDS))
                | Q(kind__in=NODE_KINDS, account_role="node", account_currency="msat")
                | Q(kind__in=FLOAT_KINDS, account_role="partner_float", account_currency="XOF")
                | Q(kind__in=EXCHANGE_KINDS, account_currency="msat"),
            ),
            models.CheckConstraint(name="treasurymovement_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="treasurymovement_cost_fits_its_kind",
                condition=Q(cost=0)
                | Q(cost__gt=0, kind__in=KINDS_WITH_COST)
                & (Q(kind__in=GAINING_KINDS) | Q(cost__lte=F("amount"))),
            ),
            models.CheckConstraint(
                name="treasurymovement_francs_of_exchanges",
                condition=Q(kind__in=EXCHANGE_KINDS, exchanged_xof__isnull=False, exchanged_xof__gt=0)
                | (~Q(kind__in=EXCHANGE_KINDS) & Q(exchanged_xof__isnull=True)),
            ),
            models.CheckConstraint(
                name="treasurymovement_has_evidence", condition=~Q(reference="") & ~Q(explanation="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.account.code} {self.amount}"

    @property
    def account(self) -> AccountRef:
        return AccountRef(AccountRole(self.account_role), Currency(self.account_currency), self.account_owner)

    @property
    def value(self) -> Movement:
        """Return what the lines in the books are derived from."""
        return Movement(
            TreasuryKind(self.kind),
            self.account,
            self.amount,
            cost=self.cost,
            exchanged_xof=self.exchanged_xof,
        )


class BookedMovement(DecidedByTwo):
    """That two people had a movement booked: who, by which proposal, as which transaction. Append-only.

    The reference is copied so that a constraint can compare it, and `opened_account` is the code of the account that an
    opening balance is about; the audit checks the copies.
    """

    movement = models.OneToOneField(
        TreasuryMovement, on_delete=models.RESTRICT, related_name="booked", verbose_name=_("movement")
    )
    reference = ExactCharField(_("reference"), max_length=REFERENCE_LENGTH)
    opened_account = ExactCharField(_("opened account"), max_length=120, null=True)
    transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        on_delete=models.RESTRICT,
        related_name="treasury_movement",
        verbose_name=_("transaction"),
    )
    booked_at = models.DateTimeField(_("booked at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("booked movement")
        verbose_name_plural = _("booked movements")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference"], name="bookedmovement_reference_used_once"),
            models.UniqueConstraint(fields=["opened_account"], name="bookedmovement_account_opened_once"),
            FOUR_EYES,
        ]

    def __str__(self) -> str:
        return f"movement {self.movement_id} by {self.proposer_id} and {self.approver_id}"
