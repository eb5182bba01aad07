from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField, kept_while
from transfers.enums import LIVE_COLLECTION_STATES, CollectionProblem, CollectionState


class Collection(models.Model):
    """A request for one amount of money for one subject."""

    subject = ExactCharField(_("subject"), max_length=120)
    method = models.CharField(_("method"), max_length=30)
    state = models.CharField(
        _("state"), max_length=12, choices=CollectionState, default=CollectionState.PENDING
    )
    amount_msat = models.BigIntegerField(_("amount"))
    received_msat = models.BigIntegerField(_("received"), default=0)
    credit_role = models.CharField(_("credit role"), max_length=30)
    credit_owner = ExactCharField(_("credit owner"), max_length=120)
    overpaid_role = models.CharField(_("overpaid role"), max_length=30)
    overpaid_owner = ExactCharField(_("overpaid owner"), max_length=120)
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
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["live_subject"], name="collection_one_live_per_subject"),
            models.UniqueConstraint(fields=["reference"], name="collection_reference_used_once"),
            models.CheckConstraint(name="collection_amount_is_positive", condition=Q(amount_msat__gt=0)),
            models.CheckConstraint(
                name="collection_settled_is_paid_in_full",
                condition=~Q(state=CollectionState.SETTLED)
                | Q(received_msat__gte=F("amount_msat"), settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="collection_open_has_reference",
                condition=Q(state__in=(CollectionState.PENDING, CollectionState.CANCELLED))
                | Q(reference__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.amount_msat} msat ({self.state})"


class Receipt(models.Model):
    """Money that arrived for a collection. Append-only; one payment counts once."""

    collection = models.ForeignKey(
        Collection, on_delete=models.RESTRICT, related_name="receipts", verbose_name=_("collection")
    )
    reference = ExactCharField(_("reference"), max_length=100)
    received_msat = models.BigIntegerField(_("received"))
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
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference"], name="receipt_payment_counts_once"),
            models.CheckConstraint(name="receipt_amount_is_positive", condition=Q(received_msat__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.received_msat} msat for {self.collection_id}"
