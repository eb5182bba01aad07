from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money
from sunusav.core.fields import ExactCharField, kept_while
from transfers.enums import (
    LIVE_COLLECTION_STATES,
    UNOPENED_COLLECTION_STATES,
    UNPAID_COLLECTION_STATES,
    CollectionProblem,
    CollectionState,
    ReceiptUse,
)
from transfers.receipt_booking import CollectionTerms, clearing_of

CURRENCIES = [currency.value for currency in Currency]
CURRENCY_CHOICES = [(currency, currency) for currency in CURRENCIES]
BOTH_IN_SATS = Q(currency=Currency.MSAT.value, due_currency=Currency.MSAT.value)


class Collection(models.Model):
    """A request for one amount of money for one subject.

    The payer is asked for `amount`; once it has arrived, `due` is credited. The conversion between the two, where they
    differ in currency, and the rate of everything that becomes the payer's credit are fixed when it is stored.
    """

    subject = ExactCharField(_("subject"), max_length=120)
    method = models.CharField(_("method"), max_length=30)
    state = models.CharField(
        _("state"), max_length=12, choices=CollectionState, default=CollectionState.PENDING
    )
    currency = models.CharField(_("currency"), max_length=4, choices=CURRENCY_CHOICES)
    amount = models.BigIntegerField(_("amount"))
    received = models.BigIntegerField(_("received"), default=0)
    due_currency = models.CharField(_("due currency"), max_length=4, choices=CURRENCY_CHOICES)
    due = models.BigIntegerField(_("due"))
    conversion = models.OneToOneField(
        "ledger.CurrencyConversion",
        null=True,
        on_delete=models.RESTRICT,
        related_name="collection",
        verbose_name=_("conversion"),
    )
    rate = models.ForeignKey(
        "ledger.ExchangeRate",
        null=True,
        on_delete=models.RESTRICT,
        related_name="collections",
        verbose_name=_("rate"),
    )
    account_role = models.CharField(_("account role"), max_length=30)
    account_owner = ExactCharField(_("account owner"), max_length=120, blank=True)
    credit_role = models.CharField(_("credit role"), max_length=30)
    credit_owner = ExactCharField(_("credit owner"), max_length=120)
    overpaid_role = models.CharField(_("overpaid role"), max_length=30)
    overpaid_owner = ExactCharField(_("overpaid owner"), max_length=120)
    sealed_phone = models.BinaryField(
        _("sealed phone"), null=True, help_text=_("encrypted under the key of the payer, who owns the credit")
    )
    memo = models.CharField(_("memo"), max_length=120)
    reference = ExactCharField(_("reference"), max_length=100, null=True)
    payment_request = models.TextField(_("payment request"), blank=True)
    checkout_url = models.CharField(_("checkout url"), max_length=500, blank=True)
    requested_at = models.DateTimeField(_("requested at"))
    expires_at = models.DateTimeField(_("expires at"), null=True)
    ask_at = models.DateTimeField(
        _("ask at"), null=True, help_text=_("when to query the collector next; null: not needed")
    )
    settled_at = models.DateTimeField(_("settled at"), null=True)
    parts_transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        null=True,
        on_delete=models.RESTRICT,
        related_name="ended_collection",
        verbose_name=_("parts credited by"),
    )
    source = models.CharField(
        _("source"), max_length=66, blank=True, help_text=_("the node or account that opened it")
    )
    trouble = models.CharField(_("trouble"), max_length=30, choices=CollectionProblem, blank=True)
    live_subject = kept_while(
        "subject", ExactCharField(max_length=120, null=True), state__in=LIVE_COLLECTION_STATES
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        permissions = [("cancel_collection", "Can cancel a collection")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["trouble"], name="collection_in_trouble"),
            models.Index(fields=["ask_at"], name="collection_to_ask"),
            models.Index(fields=["subject", "id"], name="collection_by_subject"),
            models.Index(fields=["requested_at"], name="collection_by_request"),
            models.Index(fields=["state", "requested_at"], name="collection_by_state"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["live_subject"], name="collection_one_live_per_subject"),
            models.UniqueConstraint(fields=["reference", "method"], name="collection_reference_used_once"),
            models.CheckConstraint(name="collection_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="collection_due_is_positive", condition=Q(due__gt=0)),
            models.CheckConstraint(
                name="collection_currency_is_known",
                condition=Q(currency__in=CURRENCIES, due_currency__in=CURRENCIES),
            ),
            models.CheckConstraint(
                name="collection_due_is_asked_or_converted",
                condition=Q(currency=F("due_currency"), amount=F("due"), conversion=None)
                | (~Q(currency=F("due_currency")) & Q(conversion__isnull=False)),
            ),
            models.CheckConstraint(
                name="collection_francs_have_rate",
                condition=(BOTH_IN_SATS & Q(rate=None)) | (~BOTH_IN_SATS & Q(rate__isnull=False)),
            ),
            models.CheckConstraint(
                name="collection_settled_is_paid_in_full",
                condition=~Q(state=CollectionState.SETTLED)
                | Q(received__gte=F("amount"), settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="collection_partial_is_paid_in_part",
                condition=~Q(state=CollectionState.PARTIAL) | Q(received__gt=0, received__lt=F("amount")),
            ),
            models.CheckConstraint(
                name="collection_parts_credited_at_its_end",
                condition=Q(parts_transaction=None) | Q(state__in=UNPAID_COLLECTION_STATES, received__gt=0),
            ),
            models.CheckConstraint(
                name="collection_open_has_reference",
                condition=Q(state__in=UNOPENED_COLLECTION_STATES) | Q(reference__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.asked} ({self.state})"

    @property
    def asked(self) -> Money:
        """Return what the payer is asked for."""
        return Money(self.amount, Currency(self.currency))

    @property
    def terms(self) -> CollectionTerms:
        """Return what was fixed when it was opened, as its bookings need it."""
        currency, due_currency = Currency(self.currency), Currency(self.due_currency)
        rate: Decimal | None = self.rate.rate_xof_per_btc if self.rate else None
        return CollectionTerms(
            asked=self.asked,
            due=Money(self.due, due_currency),
            arrives_in=AccountRef(AccountRole(self.account_role), currency, self.account_owner),
            clearing=clearing_of(self.pk, currency),
            credit=AccountRef(AccountRole(self.credit_role), due_currency, self.credit_owner),
            overpaid=AccountRef(AccountRole(self.overpaid_role), Currency.MSAT, self.overpaid_owner),
            rate_xof_per_btc=rate,
        )


class Receipt(models.Model):
    """Money that arrived for a collection, in its currency. Append-only; one payment counts once."""

    collection = models.ForeignKey(
        Collection, on_delete=models.RESTRICT, related_name="receipts", verbose_name=_("collection")
    )
    method = models.CharField(_("method"), max_length=30)
    reference = ExactCharField(_("reference"), max_length=100)
    received = models.BigIntegerField(_("received"))
    use = models.CharField(_("use"), max_length=10, choices=ReceiptUse)
    proof = models.CharField(_("proof"), max_length=200, blank=True)
    received_at = models.DateTimeField(_("received at"))
    transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        on_delete=models.RESTRICT,
        related_name="receipt",
        verbose_name=_("transaction"),
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        indexes: ClassVar[list[Any]] = [models.Index(fields=["received_at"], name="receipt_by_arrival")]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference", "method"], name="receipt_payment_counts_once"),
            models.CheckConstraint(name="receipt_amount_is_positive", condition=Q(received__gt=0)),
            models.CheckConstraint(name="receipt_use_is_known", condition=Q(use__in=ReceiptUse.values)),
        ]

    def __str__(self) -> str:
        return f"{self.received} for {self.collection_id}"
