from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fees.models.discount import DiscountGrant
from fees.models.schedule import FeeSchedule
from sunusav.core.fields import ExactCharField

REFERENCE_LENGTH = 120


class FeeAmounts(models.Model):
    """A payout, its fee, the three shares of the fee, the net, and the group and winner it was priced for."""

    subject = ExactCharField(_("subject"), max_length=REFERENCE_LENGTH)
    payout_sats = models.BigIntegerField(_("payout"))
    fee_sats = models.BigIntegerField(_("fee"))
    platform_sats = models.BigIntegerField(_("platform"))
    community_sats = models.BigIntegerField(_("community"))
    partner_sats = models.BigIntegerField(_("partner"))
    net_sats = models.BigIntegerField(_("net"))
    schedule = models.ForeignKey(
        FeeSchedule, on_delete=models.RESTRICT, related_name="+", verbose_name=_("schedule")
    )
    group_ref = ExactCharField(_("group ref"), max_length=80)
    winner_ref = ExactCharField(_("winner ref"), max_length=80)
    settlement_partner = models.CharField(_("settlement partner"), max_length=64)
    rate = models.ForeignKey(
        "ledger.ExchangeRate", on_delete=models.RESTRICT, related_name="+", verbose_name=_("rate")
    )
    rate_xof_per_btc = models.DecimalField(_("rate"), max_digits=20, decimal_places=8)
    is_fallback_rate = models.BooleanField(_("is fallback rate"))

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="%(class)s_parts_sum_to_fee",
                condition=Q(fee_sats=F("platform_sats") + F("community_sats") + F("partner_sats")),
            ),
            models.CheckConstraint(
                name="%(class)s_gross_is_net_plus_fee",
                condition=Q(payout_sats=F("net_sats") + F("fee_sats")),
            ),
        ]


NOT_NEGATIVE = Q(fee_sats__gte=0, platform_sats__gte=0, community_sats__gte=0, partner_sats__gte=0)
NOT_POSITIVE = Q(fee_sats__lte=0, platform_sats__lte=0, community_sats__lte=0, partner_sats__lte=0)


class FeeAssessment(FeeAmounts):
    """A fixed fee with the terms it was computed from. Append-only."""

    base_rate_ppm = models.PositiveIntegerField(_("base rate"))
    verified_bps = models.PositiveIntegerField(_("verified"))
    recurring_bps = models.PositiveIntegerField(_("recurring"))
    verified_grant = models.ForeignKey(
        DiscountGrant,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("verified grant"),
    )
    recurring_grant = models.ForeignKey(
        DiscountGrant,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("recurring grant"),
    )
    fixed_at = models.DateTimeField(_("fixed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("fixed fee")
        verbose_name_plural = _("fixed fees")
        indexes: ClassVar[list[Any]] = [models.Index(fields=["subject"], name="feeassessment_by_subject")]
        constraints: ClassVar[list[Any]] = [
            *FeeAmounts.Meta.constraints,
            models.CheckConstraint(name="feeassessment_net_is_positive", condition=Q(net_sats__gt=0)),
            models.CheckConstraint(name="feeassessment_parts_not_negative", condition=NOT_NEGATIVE),
            models.CheckConstraint(
                name="feeassessment_discount_has_its_grant",
                condition=(Q(verified_bps=0) | Q(verified_grant__isnull=False))
                & (Q(recurring_bps=0) | Q(recurring_grant__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fee_sats} of {self.payout_sats} sats for {self.subject}"


class FeeRecord(FeeAmounts):
    """A charged fee, denormalized for settlements and reports. Append-only.

    A reversal is another row with negative amounts that points to the record it reverses.
    """

    disbursement_ref = ExactCharField(_("disbursement ref"), max_length=REFERENCE_LENGTH)
    assessment = models.OneToOneField(
        FeeAssessment,
        null=True,
        on_delete=models.RESTRICT,
        related_name="record",
        verbose_name=_("assessment"),
    )
    reverses = models.OneToOneField(
        "self", null=True, on_delete=models.RESTRICT, related_name="reversal", verbose_name=_("reverses")
    )
    is_reversal = models.BooleanField(_("is reversal"), default=False)
    completed_at = models.DateTimeField(_("completed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("fee record")
        verbose_name_plural = _("fee records")
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=[
                    "completed_at", "rate_xof_per_btc", "is_reversal", "fee_sats", "platform_sats",
                    "community_sats", "partner_sats",
                ],
                name="feerecord_by_completion",
            ),
            models.Index(
                fields=["settlement_partner", "completed_at", "rate_xof_per_btc", "partner_sats"],
                name="feerecord_by_partner",
            ),
        ]  # fmt: skip
        constraints: ClassVar[list[Any]] = [
            *FeeAmounts.Meta.constraints,
            models.CheckConstraint(
                name="feerecord_is_original_or_reversal",
                condition=Q(is_reversal=False, assessment__isnull=False, reverses__isnull=True)
                | Q(is_reversal=True, assessment__isnull=True, reverses__isnull=False),
            ),
            models.CheckConstraint(
                name="feerecord_signs_agree",
                condition=(Q(is_reversal=False, net_sats__gt=0) & NOT_NEGATIVE)
                | (Q(is_reversal=True, net_sats__lt=0) & NOT_POSITIVE),
            ),
            models.UniqueConstraint(
                fields=["disbursement_ref", "is_reversal"], name="feerecord_once_per_disbursement"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fee_sats} sats of {self.disbursement_ref}"
