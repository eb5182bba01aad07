from typing import Any, ClassVar

from django.db import models
from django.db.models import Case, F, Q, Value, When

from sunusav.core.fields import ExactCharField, kept_while
from transfers.enums import (
    LIVE_ATTEMPT_STATES,
    OPEN_ATTEMPT_STATES,
    PAID_STATES,
    RELEASED_STATES,
    AttemptState,
    DisbursementState,
    FailureClass,
)


class Disbursement(models.Model):
    """One order to send one amount to one destination for one subject.

    `due_at` is when a worker may claim it next: while it is claimed, the end of the lease; null: not by itself.
    `claim_version` is a fence: a worker that lost its lease can change nothing. `admitted_at` is when it last counted
    against the limits, under which version of the limit per payout; earlier counts are `PastAdmission`s. `waived_at`:
    since when a waiver by two people lets it pass the limits.
    """

    subject = ExactCharField(max_length=120)
    state = models.CharField(max_length=12, choices=DisbursementState, default=DisbursementState.SCHEDULED)
    payout_sats = models.BigIntegerField()
    fee_sats = models.BigIntegerField(null=True)
    net_sats = models.BigIntegerField(null=True)
    assessment = models.ForeignKey(
        "fees.FeeAssessment", null=True, on_delete=models.RESTRICT, related_name="+"
    )
    debit_role = models.CharField(max_length=30)
    debit_owner = ExactCharField(max_length=120)
    group_ref = ExactCharField(max_length=80, blank=True)
    winner_ref = ExactCharField(max_length=80, blank=True)
    settlement_partner = ExactCharField(max_length=64, blank=True)
    payee_ref = ExactCharField(max_length=120, blank=True, help_text="who is paid, as limits count")
    rail = models.CharField(max_length=30)
    destination_kind = models.CharField(max_length=30)
    destination_value = models.TextField()
    destination_replaced_at = models.DateTimeField(null=True)
    admitted_at = models.DateTimeField(null=True)
    admitted_by_version = models.PositiveIntegerField(null=True)
    waived_at = models.DateTimeField(null=True)
    scheduled_at = models.DateTimeField()
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    claim_version = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=80, blank=True)
    retries = models.PositiveSmallIntegerField(default=0)
    asks = models.PositiveIntegerField(default=0)
    failure_code = models.CharField(max_length=80, blank=True)
    failure_message = models.CharField(max_length=500, blank=True)
    completed_at = models.DateTimeField(null=True)
    live_subject = models.GeneratedField(
        expression=Case(
            When(state__in=RELEASED_STATES, then=Value(None)),
            default=F("subject"),
            output_field=ExactCharField(max_length=120, null=True),
        ),
        output_field=ExactCharField(max_length=120, null=True),
        db_persist=True,
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = "disbursement"
        permissions = [
            ("retry_disbursement", "Can retry a failed disbursement"),
            ("cancel_disbursement", "Can cancel a disbursement"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="disbursement_due"),
            models.Index(fields=["subject", "id"], name="disbursement_by_subject"),
            models.Index(fields=["state", "id"], name="disbursement_by_state"),
            models.Index(fields=["admitted_at"], name="disbursement_by_admission"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["live_subject"], name="disbursement_one_live_per_subject"),
            models.CheckConstraint(
                name="disbursement_gross_is_net_plus_fee",
                # A comparison with NULL is unknown, which a CHECK accepts: both or neither must be there.
                condition=Q(net_sats=None, fee_sats=None)
                | Q(
                    net_sats__isnull=False,
                    fee_sats__isnull=False,
                    payout_sats=F("net_sats") + F("fee_sats"),
                ),
            ),
            models.CheckConstraint(
                name="disbursement_net_is_positive",
                condition=Q(net_sats=None) | Q(net_sats__gt=0, fee_sats__gte=0),
            ),
            models.CheckConstraint(
                name="disbursement_completed_has_moment",
                condition=Q(state__in=PAID_STATES, completed_at__isnull=False)
                | (~Q(state__in=PAID_STATES) & Q(completed_at=None)),
            ),
            models.CheckConstraint(
                name="disbursement_processing_has_net",
                condition=~Q(state__in=(DisbursementState.PROCESSING, *PAID_STATES))
                | Q(net_sats__isnull=False),
            ),
            models.CheckConstraint(
                name="disbursement_admitted_with_its_net",
                condition=Q(admitted_at__isnull=True, admitted_by_version__isnull=True)
                | Q(admitted_at__isnull=False, net_sats__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.payout_sats} sats ({self.state})"


class PaymentOrder(models.Model):
    """What a rail prepared, stored before the first byte leaves. Append-only.

    A reference (payment hash) belongs to one disbursement only; a retry may send the same order again.
    """

    disbursement = models.ForeignKey(Disbursement, on_delete=models.RESTRICT, related_name="orders")
    rail = models.CharField(max_length=30)
    reference = ExactCharField(max_length=100)
    payload = models.TextField()
    amount_msat = models.BigIntegerField()
    fee_limit_msat = models.BigIntegerField()
    payee = ExactCharField(max_length=120)
    source = ExactCharField(max_length=120)
    expires_at = models.DateTimeField()
    give_up_after = models.DateTimeField()
    destination_digest = models.CharField(max_length=64, blank=True, default="")
    is_renewable = models.BooleanField(default=False)
    prepared_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "payment order"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference"], name="paymentorder_reference_used_once"),
            models.CheckConstraint(name="paymentorder_amount_is_positive", condition=Q(amount_msat__gt=0)),
            models.CheckConstraint(name="paymentorder_has_reference", condition=~Q(reference="")),
        ]

    def __str__(self) -> str:
        return f"{self.rail} {self.reference}"


class Attempt(models.Model):
    """One try to send one order, with its hold in the books. A disbursement has at most one live attempt."""

    disbursement = models.ForeignKey(Disbursement, on_delete=models.RESTRICT, related_name="attempts")
    order = models.ForeignKey(PaymentOrder, on_delete=models.RESTRICT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, choices=AttemptState, default=AttemptState.PREPARED)
    hold_transaction = models.OneToOneField(
        "ledger.JournalTransaction", on_delete=models.RESTRICT, related_name="held_by"
    )
    close_transaction = models.OneToOneField(
        "ledger.JournalTransaction", null=True, on_delete=models.RESTRICT, related_name="closes"
    )
    opened_at = models.DateTimeField()
    sends = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=120, blank=True)
    failure_class = models.CharField(max_length=10, choices=FailureClass, blank=True)
    verdict = models.CharField(max_length=60, blank=True, help_text="which send the provider refused")
    proof = models.CharField(max_length=200, blank=True)
    cost_msat = models.BigIntegerField(null=True)
    evidence = models.JSONField(default=dict)
    live_disbursement = kept_while(
        "disbursement_id", models.BigIntegerField(null=True), state__in=LIVE_ATTEMPT_STATES
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = "attempt"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["live_disbursement"], name="disbursement_one_live_attempt"),
            models.UniqueConstraint(fields=["disbursement", "number"], name="attempt_number_used_once"),
            models.CheckConstraint(
                name="attempt_closed_is_booked",
                condition=Q(state__in=OPEN_ATTEMPT_STATES, closed_at=None, close_transaction=None)
                | (
                    ~Q(state__in=OPEN_ATTEMPT_STATES)
                    & Q(closed_at__isnull=False, close_transaction__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="attempt_success_has_proof",
                condition=~Q(state=AttemptState.SUCCEEDED)
                | (~Q(proof="") & Q(cost_msat__isnull=False) & Q(cost_msat__gte=0)),
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of disbursement {self.disbursement_id} ({self.state})"
