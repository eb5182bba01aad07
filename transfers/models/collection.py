from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from sunusav.core.fields import ExactCharField, kept_while
from transfers.enums import LIVE_COLLECTION_STATES, CollectionProblem, CollectionState


class Collection(models.Model):
    """A request for one amount of money for one subject."""

    subject = ExactCharField(max_length=120)
    method = models.CharField(max_length=30)
    state = models.CharField(max_length=12, choices=CollectionState, default=CollectionState.PENDING)
    amount_msat = models.BigIntegerField()
    received_msat = models.BigIntegerField(default=0)
    credit_role = models.CharField(max_length=30)
    credit_owner = ExactCharField(max_length=120)
    overpaid_role = models.CharField(max_length=30)
    overpaid_owner = ExactCharField(max_length=120)
    memo = models.CharField(max_length=120)
    reference = ExactCharField(max_length=100, null=True)
    payment_request = models.TextField(blank=True)
    checkout_url = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True, help_text="when to query the collector next; null: not needed")
    settled_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=66, blank=True, help_text="the node or account that opened it")
    trouble = models.CharField(max_length=30, choices=CollectionProblem, blank=True)
    live_subject = kept_while(
        "subject", ExactCharField(max_length=120, null=True), state__in=LIVE_COLLECTION_STATES
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = "collection"
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

    collection = models.ForeignKey(Collection, on_delete=models.RESTRICT, related_name="receipts")
    reference = ExactCharField(max_length=100)
    received_msat = models.BigIntegerField()
    proof = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()
    transaction = models.OneToOneField(
        "ledger.JournalTransaction", on_delete=models.RESTRICT, related_name="receipt"
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = "receipt"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference"], name="receipt_payment_counts_once"),
            models.CheckConstraint(name="receipt_amount_is_positive", condition=Q(received_msat__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.received_msat} msat for {self.collection_id}"
