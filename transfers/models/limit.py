from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField
from transfers.enums import LimitKind

# 0 for a replaced destination makes all of them wait; for the other limits it would be a pause, which is a switch.
AMOUNT_IN_RANGE = Q(amount_sats__gt=0) | Q(kind=LimitKind.REPLACED_DESTINATION, amount_sats=0)


class PaymentLimitRequest(models.Model):
    """A limit that one person proposes to another. Append-only; the decision is a proposal in core."""

    kind = models.CharField(_("kind"), max_length=20, choices=LimitKind)
    amount_sats = models.BigIntegerField(_("amount"))
    reason = models.CharField(_("reason"), max_length=500)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("payment limit request")
        verbose_name_plural = _("payment limit requests")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="paymentlimitrequest_amount_in_range", condition=AMOUNT_IN_RANGE),
            models.CheckConstraint(name="paymentlimitrequest_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.amount_sats} sats by {self.requested_by_id}"


class PaymentLimit(models.Model):
    """A version of one limit of outgoing money; the newest of its kind is in force. Append-only."""

    kind = models.CharField(_("kind"), max_length=20, choices=LimitKind)
    version = models.PositiveIntegerField(_("version"))
    amount_sats = models.BigIntegerField(_("amount"))
    set_at = models.DateTimeField(_("set at"))
    request = models.OneToOneField(
        PaymentLimitRequest,
        null=True,
        on_delete=models.RESTRICT,
        related_name="set_as",
        verbose_name=_("request"),
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
        verbose_name = _("payment limit")
        verbose_name_plural = _("payment limits")
        permissions = [
            ("propose_payment_limit", "Can propose a limit of outgoing money"),
            ("approve_payment_limit", "Can approve a limit that another person proposed"),
            ("propose_payment_exception", "Can propose a waiver of the limits for a payment"),
            ("approve_payment_exception", "Can approve a waiver of the limits for a payment"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["kind", "version"], name="paymentlimit_version_once_per_kind"),
            models.CheckConstraint(name="paymentlimit_amount_in_range", condition=AMOUNT_IN_RANGE),
            models.CheckConstraint(
                name="paymentlimit_set_by_two_people",
                condition=Q(
                    version=1, request__isnull=True, proposal__isnull=True, proposer__isnull=True,
                    approver__isnull=True,
                )
                | (
                    Q(version__gt=1, request__isnull=False, proposal__isnull=False, proposer__isnull=False,
                      approver__isnull=False)
                    & ~Q(proposer=F("approver"))
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} version {self.version}: {self.amount_sats} sats"


class LimitUsage(models.Model):
    """What was admitted under a limit: in a payee's day, or in a minute in total. Written under the limits' lock."""

    kind = models.CharField(_("kind"), max_length=20, choices=LimitKind)
    key = ExactCharField(_("key"), max_length=140)
    used_msat = models.BigIntegerField(_("used"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("limit usage")
        verbose_name_plural = _("limit usages")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["kind", "key"], name="limitusage_one_row_per_key"),
            models.CheckConstraint(name="limitusage_is_positive", condition=Q(used_msat__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.used_msat} msat"


class PastAdmission(models.Model):
    """An earlier admission of a payment: it was admitted again in another hour, or a person retried it. Append-only.

    The last admission is on the disbursement itself (`admitted_at`). After a retry by a person (`retried_at`) the next
    admission counts for the hour and for the payee's day, whenever the earlier one was.
    """

    disbursement = models.ForeignKey(
        "transfers.Disbursement",
        on_delete=models.RESTRICT,
        related_name="past_admissions",
        verbose_name=_("disbursement"),
    )
    admitted_at = models.DateTimeField(_("admitted at"))
    by_version = models.PositiveIntegerField(_("by version"), null=True)
    retried_at = models.DateTimeField(_("retried at"), null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("past admission")
        verbose_name_plural = _("past admissions")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["admitted_at"], name="pastadmission_by_moment"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["disbursement", "admitted_at"], name="pastadmission_once_per_moment"
            ),
        ]

    def __str__(self) -> str:
        return f"disbursement {self.disbursement_id} at {self.admitted_at}"
