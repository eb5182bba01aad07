from typing import Any, ClassVar

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField, kept_while
from transfers.enums import (
    LIVE_ATTEMPT_STATES,
    OPEN_ATTEMPT_STATES,
    PAID_STATES,
    RELEASED_STATES,
    UNPAID_ATTEMPT_STATES,
    AttemptState,
    DisbursementState,
    FailureClass,
)


class Disbursement(models.Model):
    """One order to send one amount to one destination for one subject.

    `due_at` is when a worker may claim it next: while it is claimed, the end of the lease; null: not by itself. Before
    `not_before` nothing new is sent; earlier claims only query the provider.
    `claim_version` is a fence: a worker that lost its lease can change nothing. `admitted_at` is when it last counted
    against the limits, under which version of the limit per payout; earlier counts are `PastAdmission`s. `waived_at`:
    since when a waiver by two people lets it pass the limits.
    """

    subject = ExactCharField(_("subject"), max_length=120)
    state = models.CharField(
        _("state"), max_length=12, choices=DisbursementState, default=DisbursementState.SCHEDULED
    )
    payout_sats = models.BigIntegerField(_("payout"))
    fee_sats = models.BigIntegerField(_("fee"), null=True)
    net_sats = models.BigIntegerField(_("net"), null=True)
    assessment = models.ForeignKey(
        "fees.FeeAssessment",
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("assessment"),
    )
    debit_role = models.CharField(_("debit role"), max_length=30)
    debit_owner = ExactCharField(_("debit owner"), max_length=120)
    group_ref = ExactCharField(_("group ref"), max_length=80, blank=True)
    winner_ref = ExactCharField(_("winner ref"), max_length=80, blank=True)
    settlement_partner = ExactCharField(_("settlement partner"), max_length=64, blank=True)
    payee_ref = ExactCharField(
        _("payee ref"), max_length=120, blank=True, help_text=_("who is paid, as limits count")
    )
    rail = models.CharField(_("rail"), max_length=30)
    destination_kind = models.CharField(_("destination kind"), max_length=30)
    destination_value = models.TextField(_("destination value"))
    destination_replaced_at = models.DateTimeField(_("destination replaced at"), null=True)
    admitted_at = models.DateTimeField(_("admitted at"), null=True)
    admitted_by_version = models.PositiveIntegerField(_("admitted by version"), null=True)
    waived_at = models.DateTimeField(_("waived at"), null=True)
    scheduled_at = models.DateTimeField(_("scheduled at"))
    requested_at = models.DateTimeField(_("requested at"))
    due_at = models.DateTimeField(_("due at"), null=True)
    not_before = models.DateTimeField(_("not before"), null=True)
    claim_version = models.PositiveIntegerField(_("claim version"), default=0)
    claimed_by = models.CharField(_("claimed by"), max_length=80, blank=True)
    retries = models.PositiveSmallIntegerField(_("retries"), default=0)
    asks = models.PositiveIntegerField(_("asks"), default=0)
    failure_code = models.CharField(_("failure code"), max_length=80, blank=True)
    failure_facts = models.JSONField(_("failure facts"), default=dict)
    completed_at = models.DateTimeField(_("completed at"), null=True)
    live_subject = models.GeneratedField(
        expression=Case(
            When(state__in=RELEASED_STATES, then=Value(None)),
            default=F("subject"),
            output_field=ExactCharField(max_length=120, null=True),
        ),
        output_field=ExactCharField(max_length=120, null=True),
        db_persist=True,
        verbose_name=_("live subject"),
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("disbursement")
        verbose_name_plural = _("disbursements")
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

    disbursement = models.ForeignKey(
        Disbursement, on_delete=models.RESTRICT, related_name="orders", verbose_name=_("disbursement")
    )
    rail = models.CharField(_("rail"), max_length=30)
    reference = ExactCharField(_("reference"), max_length=100)
    payload = models.TextField(_("payload"))
    amount_msat = models.BigIntegerField(_("amount"))
    fee_limit_msat = models.BigIntegerField(_("fee limit"))
    payee = ExactCharField(_("payee"), max_length=120)
    source = ExactCharField(_("source"), max_length=120)
    expires_at = models.DateTimeField(_("expires at"))
    give_up_after = models.DateTimeField(_("give up after"))
    destination_digest = models.CharField(_("destination digest"), max_length=64, blank=True, default="")
    is_renewable = models.BooleanField(_("is renewable"), default=False)
    prepared_at = models.DateTimeField(_("prepared at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("payment order")
        verbose_name_plural = _("payment orders")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["reference"], name="paymentorder_reference_used_once"),
            models.CheckConstraint(name="paymentorder_amount_is_positive", condition=Q(amount_msat__gt=0)),
            models.CheckConstraint(name="paymentorder_has_reference", condition=~Q(reference="")),
        ]

    def __str__(self) -> str:
        return f"{self.rail} {self.reference}"


class Attempt(models.Model):
    """One try to send one order, with its hold in the books. A disbursement has at most one live attempt.

    `send_not_after` is the latest moment at which its last send may leave. `unpaid_at` is when the provider last
    confirmed that the order of a closed attempt was not paid; `paid_outside_at`, when it reported the opposite and the
    payment could not be booked for this disbursement.
    """

    disbursement = models.ForeignKey(
        Disbursement, on_delete=models.RESTRICT, related_name="attempts", verbose_name=_("disbursement")
    )
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.RESTRICT, related_name="attempts", verbose_name=_("order")
    )
    number = models.PositiveSmallIntegerField(_("number"))
    state = models.CharField(_("state"), max_length=12, choices=AttemptState, default=AttemptState.PREPARED)
    hold_transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        on_delete=models.RESTRICT,
        related_name="held_by",
        verbose_name=_("hold transaction"),
    )
    close_transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        null=True,
        on_delete=models.RESTRICT,
        related_name="closes",
        verbose_name=_("close transaction"),
    )
    opened_at = models.DateTimeField(_("opened at"))
    sends = models.PositiveSmallIntegerField(_("sends"), default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    send_not_after = models.DateTimeField(_("send not after"), null=True)
    seen_at = models.DateTimeField(_("seen at"), null=True)
    asked_at = models.DateTimeField(_("asked at"), null=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)
    unpaid_at = models.DateTimeField(_("unpaid at"), null=True)
    paid_outside_at = models.DateTimeField(_("paid outside at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=120, blank=True)
    failure_class = models.CharField(_("failure class"), max_length=10, choices=FailureClass, blank=True)
    verdict = models.CharField(
        _("verdict"), max_length=60, blank=True, help_text=_("which send the provider refused")
    )
    proof = models.CharField(_("proof"), max_length=200, blank=True)
    cost_msat = models.BigIntegerField(_("cost"), null=True)
    evidence = models.JSONField(_("evidence"), default=dict)
    live_disbursement = kept_while(
        "disbursement_id", models.BigIntegerField(null=True), state__in=LIVE_ATTEMPT_STATES
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
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
                name="attempt_sent_has_latest_moment",
                condition=Q(sent_at=None) | Q(send_not_after__isnull=False),
            ),
            models.CheckConstraint(
                name="attempt_paid_outside_is_closed",
                condition=Q(paid_outside_at=None) | Q(state__in=UNPAID_ATTEMPT_STATES),
            ),
            models.CheckConstraint(
                name="attempt_success_has_proof",
                condition=~Q(state=AttemptState.SUCCEEDED)
                | (~Q(proof="") & Q(cost_msat__isnull=False) & Q(cost_msat__gte=0)),
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of disbursement {self.disbursement_id} ({self.state})"
