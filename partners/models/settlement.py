from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from partners.enums import SettlementState
from sunusav.core.fields import ExactCharField, ExactDecimalField
from sunusav.core.models import FOUR_EYES, DecidedByTwo
from sunusav.core.money import MSAT_PER_SAT

PARTNER_LENGTH, REFERENCE_LENGTH = 64, 120
# Exact francs: sixteen places, as eight of a rate and 10^8 sats of a bitcoin give.
DIGITS, PLACES = 40, 16


class Settlement(models.Model):
    """What a partner's shares of fees came to in one window, [start, end): a calendar month in Dakar.

    Units: sats, msat, francs; decimals are exact. `accrued` are the shares booked before the end, up to the record
    `through_record_id`, less the earlier windows; with what was `carried` over, whole francs are `due` and take
    `settled_msat` from the partner's reserve; the `residue` opens the next window. Only the state changes, and with it
    `completed_at`: when nothing was due, or the bank paid. While a payment is ordered, its disbursement says how far.
    """

    partner = models.CharField(_("partner"), max_length=PARTNER_LENGTH)
    sequence = models.PositiveIntegerField(_("window"))
    previous = models.OneToOneField(
        "self",
        null=True,
        on_delete=models.RESTRICT,
        related_name="following",
        verbose_name=_("window before"),
    )
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until"))
    after_record_id = models.BigIntegerField(_("after fee record"))
    through_record_id = models.BigIntegerField(_("through fee record"))
    records = models.PositiveIntegerField(_("fee records"))
    accrued_sats = models.BigIntegerField(_("accrued"))
    accrued_xof = ExactDecimalField(_("accrued in francs"), max_digits=DIGITS, decimal_places=PLACES)
    carried_msat = models.BigIntegerField(_("carried over"))
    carried_xof = ExactDecimalField(_("carried over in francs"), max_digits=DIGITS, decimal_places=PLACES)
    due_xof = models.BigIntegerField(_("due"))
    settled_msat = models.BigIntegerField(_("taken from the reserve"))
    residue_msat = models.BigIntegerField(_("left over"))
    residue_xof = ExactDecimalField(_("left over in francs"), max_digits=DIGITS, decimal_places=PLACES)
    state = models.CharField(
        _("state"), max_length=16, choices=SettlementState, default=SettlementState.CLOSED
    )
    closed_at = models.DateTimeField(_("closed at"))
    completed_at = models.DateTimeField(_("completed at"), null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        permissions = [
            ("propose_settlement", "Can propose settlements with partners"),
            ("approve_settlement", "Can approve settlements with partners"),
            ("execute_settlement", "Can pay approved settlements"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["period_start"], name="settlement_by_period"),
            models.Index(fields=["state"], name="settlement_by_state"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["partner", "sequence"], name="settlement_window_numbered_once"),
            models.UniqueConstraint(
                fields=["partner", "period_start"], name="settlement_window_settled_once"
            ),
            models.CheckConstraint(
                name="settlement_follows_the_window_before",
                condition=Q(sequence=1, previous__isnull=True) | Q(sequence__gt=1, previous__isnull=False),
            ),
            models.CheckConstraint(
                name="settlement_window_has_length", condition=Q(period_end__gt=F("period_start"))
            ),
            models.CheckConstraint(
                name="settlement_residue_is_below_a_franc",
                condition=Q(due_xof=0) | Q(due_xof__gt=0, residue_xof__gte=0, residue_xof__lt=1),
            ),
            models.CheckConstraint(
                name="settlement_due_takes_from_the_reserve",
                condition=Q(due_xof=0, settled_msat=0) | Q(due_xof__gt=0, settled_msat__gt=0),
            ),
            models.CheckConstraint(
                name="settlement_msat_sum_up",
                condition=Q(
                    residue_msat=F("accrued_sats") * MSAT_PER_SAT + F("carried_msat") - F("settled_msat")
                ),
            ),
            models.CheckConstraint(
                name="settlement_state_is_known", condition=Q(state__in=SettlementState.values)
            ),
            models.CheckConstraint(
                name="settlement_settled_has_moment",
                condition=Q(state=SettlementState.SETTLED, completed_at__isnull=False)
                | (~Q(state=SettlementState.SETTLED) & Q(completed_at=None)),
            ),
            models.CheckConstraint(
                name="settlement_of_nothing_is_settled",
                condition=Q(due_xof__gt=0) | Q(due_xof=0, state=SettlementState.SETTLED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} {self.sequence}: {self.due_xof} XOF ({self.state})"


class SettlementAccount(models.Model):
    """The account of a partner that settlements are paid to, as one person proposes it. Append-only.

    Its value, such as a phone number, is encrypted under the key of the partner; `digest` is keyed with it and tells
    accounts apart. `AdoptedSettlementAccount` puts it in use.
    """

    partner = models.CharField(_("partner"), max_length=PARTNER_LENGTH)
    rail = models.CharField(_("rail"), max_length=30)
    kind = models.CharField(_("kind"), max_length=30)
    sealed_value = models.BinaryField(_("sealed account"))
    digest = models.CharField(_("digest"), max_length=64)
    holder = models.CharField(_("holder"), max_length=120)
    reason = models.CharField(_("reason"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("account for settlements")
        verbose_name_plural = _("accounts for settlements")
        permissions = [
            ("propose_settlement_account", "Can propose the account that settlements are paid to"),
            ("approve_settlement_account", "Can approve the account that settlements are paid to"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="settlementaccount_has_holder_and_reason", condition=~Q(holder="") & ~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.rail} {self.kind}"


class AdoptedSettlementAccount(DecidedByTwo):
    """That two people put an account for settlements in use. Append-only; the last one of a partner holds."""

    account = models.OneToOneField(
        SettlementAccount,
        on_delete=models.RESTRICT,
        related_name="adopted",
        verbose_name=_("account for settlements"),
    )
    adopted_at = models.DateTimeField(_("adopted at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("account for settlements in use")
        verbose_name_plural = _("accounts for settlements in use")
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"account {self.account_id} since {self.adopted_at}"


class ApprovedSettlement(DecidedByTwo):
    """That a second person approved a settlement, to be paid to this account. Append-only; the last one holds.

    Without an account only the bank pays it. `digest` is the one that was approved.
    """

    settlement = models.ForeignKey(
        Settlement, on_delete=models.RESTRICT, related_name="approvals", verbose_name=_("settlement")
    )
    account = models.ForeignKey(
        SettlementAccount, null=True, on_delete=models.RESTRICT, related_name="+",
        verbose_name=_("account for settlements"),
    )  # fmt: skip
    approved_at = models.DateTimeField(_("approved at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("approved settlement")
        verbose_name_plural = _("approved settlements")
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"settlement {self.settlement_id} by {self.proposer_id} and {self.approver_id}"


class SettlementBankPayment(models.Model):
    """That the bank paid a settlement: its reference, and who recorded it with a document. Append-only."""

    settlement = models.OneToOneField(
        Settlement, on_delete=models.RESTRICT, related_name="bank_payment", verbose_name=_("settlement")
    )
    reference = ExactCharField(_("reference"), max_length=REFERENCE_LENGTH, unique=True)
    paid_on = models.DateField(_("paid on"))
    explanation = models.CharField(_("explanation"), max_length=500)
    transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("transaction"),
    )
    recorder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("settlement paid by the bank")
        verbose_name_plural = _("settlements paid by the bank")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="settlementbankpayment_has_evidence", condition=~Q(reference="") & ~Q(explanation="")
            ),
        ]

    def __str__(self) -> str:
        return f"settlement {self.settlement_id}: {self.reference}"
