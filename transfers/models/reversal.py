from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from ledger.types import AccountRef, Money
from sunusav.core.fields import ExactCharField
from transfers.enums import ReturnKind
from transfers.models.disbursement import Attempt


class ReturnClaim(models.Model):
    """That a person says the money of a paid attempt came back, and with what proof. Append-only.

    It takes effect only when a second person approves it. `arrived_in` is the account in which it arrived,
    `returned_on` the day in Dakar that the proof names.
    """

    attempt = models.ForeignKey(
        Attempt, on_delete=models.RESTRICT, related_name="return_claims", verbose_name=_("attempt")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=ReturnKind)
    reference = ExactCharField(_("reference"), max_length=120)
    arrived_in = ExactCharField(_("arrived in"), max_length=120)
    returned_on = models.DateField(_("returned on"), null=True)
    explanation = models.CharField(_("explanation"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("claim of a return")
        verbose_name_plural = _("claims of returns")
        permissions = [
            ("propose_reversal", "Can propose to book a payment as reversed"),
            ("approve_reversal", "Can approve booking a payment as reversed"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["reference"], name="returnclaim_by_reference")]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="returnclaim_has_reference", condition=~Q(reference="")),
            models.CheckConstraint(name="returnclaim_is_explained", condition=~Q(explanation="")),
            models.CheckConstraint(
                name="returnclaim_needs_people", condition=~Q(kind=ReturnKind.PROVIDER_REVERSAL)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.reference}"


class Reversal(models.Model):
    """That a paid attempt was reversed: the money came back, with its proof, and was booked back. Append-only.

    Units: its currency. A provider's own record of the reversal needs no people; any other proof needs two, of whom the
    proposer is copied so that a constraint can compare them.
    """

    attempt = models.OneToOneField(
        Attempt, on_delete=models.RESTRICT, related_name="reversal", verbose_name=_("attempt")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=ReturnKind)
    reference = ExactCharField(_("reference"), max_length=120)
    arrived_in = ExactCharField(_("arrived in"), max_length=120)
    currency = models.CharField(_("currency"), max_length=4)
    amount = models.BigIntegerField(_("amount"))
    returned_cost = models.BigIntegerField(_("returned cost"), default=0)
    returned_at = models.DateTimeField(_("returned at"))
    reversed_at = models.DateTimeField(_("reversed at"))
    evidence = models.JSONField(_("evidence"), default=dict)
    transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        on_delete=models.RESTRICT,
        related_name="reverses_payment",
        verbose_name=_("transaction"),
    )
    claim = models.OneToOneField(
        ReturnClaim, null=True, on_delete=models.RESTRICT, related_name="applied", verbose_name=_("claim")
    )
    proposal = models.OneToOneField(
        "core.Proposal", null=True, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposal")
    )
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("proposer"),
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("approver"),
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("reversal of a payment")
        verbose_name_plural = _("reversals of payments")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["kind", "reference"], name="reversal_proof_counts_once"),
            models.CheckConstraint(name="reversal_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="reversal_has_reference", condition=~Q(reference="")),
            models.CheckConstraint(
                name="reversal_cost_comes_from_its_provider",
                condition=Q(returned_cost=0) | Q(kind=ReturnKind.PROVIDER_REVERSAL, returned_cost__gt=0),
            ),
            models.CheckConstraint(
                name="reversal_is_proven_by_provider_or_two_people",
                condition=Q(
                    kind=ReturnKind.PROVIDER_REVERSAL, claim=None, proposal=None, proposer=None, approver=None
                )
                | (
                    ~Q(kind=ReturnKind.PROVIDER_REVERSAL)
                    & Q(
                        claim__isnull=False, proposal__isnull=False, proposer__isnull=False,
                        approver__isnull=False,
                    )
                    & ~Q(approver=F("proposer"))
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.reference}"

    @property
    def money(self) -> Money:
        return Money(self.amount, Currency(self.currency))

    @property
    def account(self) -> AccountRef:
        return AccountRef.of_code(self.arrived_in)
