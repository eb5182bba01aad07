from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from ledger.models.account import Account
from ledger.models.choices import choices_of
from sunusav.core import clock
from sunusav.core.fields import ExactCharField
from sunusav.core.models import SealBase
from sunusav.core.money import MAX_SATS, MSAT_PER_SAT

KIND_LENGTH = 40
REFERENCE_LENGTH = 120
SUBJECT_LENGTH = 120
# All bitcoin in msat: it fits a BIGINT, and amounts in francs stay far below it.
MAX_AMOUNT = MAX_SATS * MSAT_PER_SAT


class JournalTransaction(models.Model):
    """One movement of money. Append-only: a mistake is reversed by a transaction that points here."""

    kind = models.CharField(_("kind"), max_length=KIND_LENGTH)
    reference = ExactCharField(_("reference"), max_length=REFERENCE_LENGTH)
    subject = ExactCharField(_("subject"), max_length=SUBJECT_LENGTH)
    posted_at = models.DateTimeField(_("posted at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=clock.now)
    reverses = models.OneToOneField(
        "self", null=True, on_delete=models.RESTRICT, related_name="reversed_by", verbose_name=_("reverses")
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("journal transaction")
        verbose_name_plural = _("journal transactions")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference"], name="journaltransaction_reference_used_once"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["subject", "id"], name="journal_by_subject"),
            models.Index(fields=["recorded_at"], name="journal_by_recording"),
            models.Index(fields=["posted_at"], name="journal_by_posting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class JournalEntry(models.Model):
    """One side of a transaction. Units: its currency; debit positive, credit negative. Append-only."""

    transaction = models.ForeignKey(
        JournalTransaction, on_delete=models.RESTRICT, related_name="entries", verbose_name=_("transaction")
    )
    # Its index is `entry_by_account`, which also covers sums.
    account = models.ForeignKey(
        Account, on_delete=models.RESTRICT, related_name="entries", db_index=False, verbose_name=_("account")
    )
    currency = models.CharField(_("currency"), max_length=4, choices=choices_of(Currency))
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="journalentry_amount_is_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="journalentry_amount_within_all_bitcoin",
                condition=Q(amount__gte=-MAX_AMOUNT, amount__lte=MAX_AMOUNT),
            ),
            models.CheckConstraint(
                name="journalentry_currency_is_known", condition=Q(currency__in=[c.value for c in Currency])
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["account", "transaction", "amount"], name="entry_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class LedgerSeal(SealBase):
    """The hash that chains one transaction and its entries to all before it."""

    transaction = models.OneToOneField(
        JournalTransaction, on_delete=models.RESTRICT, related_name="seal", verbose_name=_("transaction")
    )

    class Meta(SealBase.Meta):
        default_permissions = ("view",)
        verbose_name = _("ledger seal")
        verbose_name_plural = _("ledger seals")
