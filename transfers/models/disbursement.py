from typing import Any, ClassVar

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from ledger.types import AccountRef, Money
from sunusav.core.fields import ExactCharField, kept_while
from transfers.enums import (
    HELD_STATES,
    LIVE_ATTEMPT_STATES,
    OPEN_ATTEMPT_STATES,
    PAID_STATES,
    RELEASED_STATES,
    UNPAID_ATTEMPT_STATES,
    AttemptState,
    DisbursementState,
    FailureClass,
    HoldFrom,
)
from transfers.types import SealedDestination

# A rate has eight places, and a bitcoin 10^11 msat: what is left over of whole francs has at most nineteen.
RESIDUE_DIGITS, RESIDUE_PLACES = 20, 19
FIRST, SECOND = 1, 2


class Disbursement(models.Model):
    """One order to send one amount for one subject, to the first of its destinations that was not finally refused.

    Units: msat, of which `payout` leaves the account to debit, and `net` is the payee's. A rail in francs pays
    `pay_xof`, fixed once by the conversion, or by the request, which then has none; `residue_xof` is what the net is
    worth above it, exactly. Its hold in the books lasts from its beginning until it is paid or cancelled. Fee,
    discounts and rate are those of `terms_at`.
    `due_at` is when a worker may claim it next: while it is claimed, the end of the lease; null: not by itself. Before
    `not_before` nothing new is sent; earlier claims only query the provider.
    `claim_version` is a fence: a worker that lost its lease can change nothing. `admitted_at` is when it last counted
    against the limits, under which version of the limit per payout; earlier counts are `PastAdmission`s. `waived_at`:
    since when a waiver by two people lets it pass the limits. `sealed_name` is the name of the person who is paid, if a
    provider may compare it.
    """

    subject = ExactCharField(_("subject"), max_length=120)
    state = models.CharField(
        _("state"), max_length=12, choices=DisbursementState, default=DisbursementState.SCHEDULED
    )
    payout_msat = models.BigIntegerField(_("payout"))
    fee_msat = models.BigIntegerField(_("fee"), null=True)
    net_msat = models.BigIntegerField(_("net"), null=True)
    pay_xof = models.BigIntegerField(_("paid in francs"), null=True)
    residue_xof = models.DecimalField(
        _("left over"), max_digits=RESIDUE_DIGITS, decimal_places=RESIDUE_PLACES, null=True
    )
    conversion = models.OneToOneField(
        "ledger.CurrencyConversion",
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("conversion"),
    )
    assessment = models.ForeignKey(
        "fees.FeeAssessment",
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("assessment"),
    )
    debit_role = models.CharField(_("debit role"), max_length=30)
    debit_owner = ExactCharField(_("debit owner"), max_length=120)
    residue_role = models.CharField(_("residue role"), max_length=30)
    residue_owner = ExactCharField(_("residue owner"), max_length=120)
    hold_from = models.CharField(_("held from"), max_length=10, choices=HoldFrom, default=HoldFrom.BEGINNING)
    hold_transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        null=True,
        on_delete=models.RESTRICT,
        related_name="held_by",
        verbose_name=_("hold transaction"),
    )
    approved_digest = models.CharField(_("approved digest"), max_length=64, blank=True)
    group_ref = ExactCharField(_("group ref"), max_length=80, blank=True)
    winner_ref = ExactCharField(_("winner ref"), max_length=80, blank=True)
    settlement_partner = ExactCharField(_("settlement partner"), max_length=64, blank=True)
    payee_ref = ExactCharField(
        _("payee ref"), max_length=120, blank=True, help_text=_("who is paid, as limits count")
    )
    person_ref = ExactCharField(
        _("person ref"), max_length=120, help_text=_("under whose key destinations and orders are encrypted")
    )
    sealed_name = models.BinaryField(_("sealed name"), null=True)
    admitted_at = models.DateTimeField(_("admitted at"), null=True)
    admitted_by_version = models.PositiveIntegerField(_("admitted by version"), null=True)
    waived_at = models.DateTimeField(_("waived at"), null=True)
    scheduled_at = models.DateTimeField(_("scheduled at"))
    terms_at = models.DateTimeField(_("terms at"))
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
            # What waits for one reason, among everything under way.
            models.Index(fields=["state", "failure_code"], name="disbursement_by_reason"),
            models.Index(fields=["admitted_at"], name="disbursement_by_admission"),
            models.Index(fields=["requested_at"], name="disbursement_by_request"),
            models.Index(fields=["payout_msat"], name="disbursement_by_amount"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["live_subject"], name="disbursement_one_live_per_subject"),
            models.CheckConstraint(
                name="disbursement_gross_is_net_plus_fee",
                # A comparison with NULL is unknown, which a CHECK accepts: both or neither must be there.
                condition=Q(net_msat=None, fee_msat=None)
                | Q(
                    net_msat__isnull=False,
                    fee_msat__isnull=False,
                    payout_msat=F("net_msat") + F("fee_msat"),
                ),
            ),
            models.CheckConstraint(
                name="disbursement_net_is_positive",
                condition=Q(net_msat=None) | Q(net_msat__gt=0, fee_msat__gte=0),
            ),
            models.CheckConstraint(
                name="disbursement_francs_are_fixed_whole",
                condition=Q(pay_xof=None, conversion=None, residue_xof=None)
                | Q(pay_xof__gt=0, conversion=None, residue_xof=None)
                | Q(
                    pay_xof__isnull=False,
                    pay_xof__gt=0,
                    net_msat__isnull=False,
                    conversion__isnull=False,
                    residue_xof__isnull=False,
                    residue_xof__gte=0,
                    residue_xof__lt=1,
                ),
            ),
            models.CheckConstraint(
                name="disbursement_in_process_is_held",
                condition=~Q(state__in=HELD_STATES) | Q(hold_transaction__isnull=False),
            ),
            models.CheckConstraint(
                name="disbursement_completed_has_moment",
                condition=Q(state__in=PAID_STATES, completed_at__isnull=False)
                | (~Q(state__in=PAID_STATES) & Q(completed_at=None)),
            ),
            models.CheckConstraint(
                name="disbursement_processing_has_net",
                condition=~Q(state__in=(DisbursementState.PROCESSING, *PAID_STATES))
                | Q(net_msat__isnull=False),
            ),
            models.CheckConstraint(
                name="disbursement_admitted_with_its_net",
                condition=Q(admitted_at__isnull=True, admitted_by_version__isnull=True)
                | Q(admitted_at__isnull=False, net_msat__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.payout_msat} msat ({self.state})"


class DisbursementDestination(models.Model):
    """A place where a disbursement may be paid: the first, or the second choice.

    Its value is encrypted under the key of the disbursement's person, and `digest` is keyed with it: it tells the
    destinations of a payment apart. `replaced_at` is when it became another payee's; `refused_at`, when it was
    finally refused, by the provider or while it was prepared. A retry by a person clears the refusals.
    """

    disbursement = models.ForeignKey(
        Disbursement, on_delete=models.RESTRICT, related_name="destinations", verbose_name=_("disbursement")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    rail = models.CharField(_("rail"), max_length=30)
    kind = models.CharField(_("kind"), max_length=30)
    sealed_value = models.BinaryField(_("sealed destination"))
    digest = models.CharField(_("digest"), max_length=64)
    set_at = models.DateTimeField(_("set at"))
    replaced_at = models.DateTimeField(_("replaced at"), null=True)
    refused_at = models.DateTimeField(_("refused at"), null=True)
    refusal_code = models.CharField(_("refusal code"), max_length=80, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["disbursement", "position"], name="destination_one_per_position"),
            models.CheckConstraint(
                name="destination_is_first_or_second", condition=Q(position__in=(FIRST, SECOND))
            ),
            models.CheckConstraint(
                name="destination_refused_has_code",
                condition=Q(refused_at=None, refusal_code="")
                | (Q(refused_at__isnull=False) & ~Q(refusal_code="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rail} {self.kind} of disbursement {self.disbursement_id}"

    @property
    def destination(self) -> SealedDestination:
        return SealedDestination(self.rail, self.kind, self.disbursement.person_ref, bytes(self.sealed_value))


class PaymentOrder(models.Model):
    """What a rail prepared, stored before the first byte leaves. Append-only.

    Units: its currency. `paid_from` and `cost_account` are the rail's accounts at that time. A reference (payment hash)
    belongs to one disbursement only; a retry may send the same order again. The payload is encrypted under the key of
    the disbursement's person, and `payee_digest` is keyed with it.
    """

    disbursement = models.ForeignKey(
        Disbursement, on_delete=models.RESTRICT, related_name="orders", verbose_name=_("disbursement")
    )
    rail = models.CharField(_("rail"), max_length=30)
    reference = ExactCharField(_("reference"), max_length=100)
    sealed_payload = models.BinaryField(_("sealed payload"))
    currency = models.CharField(_("currency"), max_length=4)
    amount = models.BigIntegerField(_("amount"))
    cost_limit = models.BigIntegerField(_("cost limit"))
    paid_from = ExactCharField(_("paid from"), max_length=120)
    cost_account = ExactCharField(_("cost account"), max_length=120)
    payee_digest = models.CharField(_("digest of the payee"), max_length=64)
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
            models.CheckConstraint(name="paymentorder_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="paymentorder_has_reference", condition=~Q(reference="")),
            models.CheckConstraint(
                name="paymentorder_currency_is_known", condition=Q(currency__in=[c.value for c in Currency])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rail} {self.reference}"

    def money(self, amount: int) -> Money:
        """Return an amount in the currency of this order."""
        return Money(amount, Currency(self.currency))

    def stated_cost(self, cost: int | None) -> Money | None:
        """Return what paying this order cost; None where the provider did not state it."""
        return None if cost is None else self.money(cost)

    @property
    def accounts(self) -> tuple[AccountRef, AccountRef]:
        """The account that pays, and the one that takes what sending costs."""
        return AccountRef.of_code(self.paid_from), AccountRef.of_code(self.cost_account)


class Attempt(models.Model):
    """One try to send one order. A disbursement has at most one live attempt.

    `send_not_after` is the latest moment at which its last send may leave. `unpaid_at` is when the provider last
    confirmed that the order of a closed attempt was not paid; `paid_outside_at`, when it reported the opposite, with
    `proof` and `cost`, and the payment could not be booked for this disbursement. Without a `cost`, the provider of a
    paid attempt did not state it.
    """

    disbursement = models.ForeignKey(
        Disbursement, on_delete=models.RESTRICT, related_name="attempts", verbose_name=_("disbursement")
    )
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.RESTRICT, related_name="attempts", verbose_name=_("order")
    )
    number = models.PositiveSmallIntegerField(_("number"))
    state = models.CharField(_("state"), max_length=12, choices=AttemptState, default=AttemptState.PREPARED)
    payment_transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        null=True,
        on_delete=models.RESTRICT,
        related_name="paid_by",
        verbose_name=_("payment transaction"),
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
    cost = models.BigIntegerField(_("cost"), null=True)
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
                name="attempt_paid_is_booked",
                condition=Q(state__in=OPEN_ATTEMPT_STATES, closed_at=None, payment_transaction=None)
                | Q(state__in=UNPAID_ATTEMPT_STATES, closed_at__isnull=False, payment_transaction=None)
                | Q(state=AttemptState.SUCCEEDED, closed_at__isnull=False, payment_transaction__isnull=False),
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
                | (~Q(proof="") & (Q(cost=None) | Q(cost__isnull=False, cost__gte=0))),
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # Open attempts are found by their missing end.
            models.Index(fields=["closed_at"], name="attempt_by_end"),
            # Payments outside the books are few among all attempts.
            models.Index(fields=["paid_outside_at"], name="attempt_paid_outside"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of disbursement {self.disbursement_id} ({self.state})"
