from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField

# The kind of a band that applies to every kind of proposal.
EVERY_KIND: Final = "*"
MOST_APPROVALS: Final = 9
CURRENCIES: Final = [("msat", "msat"), ("XOF", "XOF")]
# A band without a currency applies to every amount, and to proposals that have none.
FROM_AMOUNT_IN_CURRENCY = Q(currency="", from_amount=0) | (~Q(currency="") & Q(from_amount__gte=0))
APPROVALS_IN_RANGE = Q(approvals_needed__gte=1, approvals_needed__lte=MOST_APPROVALS)


class BandTerms(models.Model):
    """To which proposals a band applies, how many people approve them, and the role these people have."""

    kind = ExactCharField(_("kind of proposal"), max_length=40)
    currency = models.CharField(_("currency"), max_length=4, choices=CURRENCIES, blank=True)
    from_amount = models.BigIntegerField(_("from amount"), default=0)
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"))
    role = models.CharField(_("role"), max_length=20, blank=True)

    class Meta:
        abstract = True

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what its versions have in common."""
        return self.kind, self.currency, self.from_amount


class ApprovalBandRequest(BandTerms):
    """A band that one person proposes to others. Append-only; the decision is a proposal."""

    reason = models.CharField(_("reason"), max_length=500)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("approval rule request")
        verbose_name_plural = _("approval rule requests")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="approvalbandrequest_amount_has_currency", condition=FROM_AMOUNT_IN_CURRENCY
            ),
            models.CheckConstraint(
                name="approvalbandrequest_approvals_in_range", condition=APPROVALS_IN_RANGE
            ),
            models.CheckConstraint(name="approvalbandrequest_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.from_amount} {self.currency}: {self.approvals_needed} {self.role}"


class ApprovalBand(BandTerms):
    """A version of a band; the newest one that is effective is in force. Append-only."""

    version = models.PositiveIntegerField(_("version"))
    effective_at = models.DateTimeField(_("effective at"))
    request = models.OneToOneField(
        ApprovalBandRequest, null=True, on_delete=models.RESTRICT, related_name="set_as", verbose_name=_("request")
    )  # fmt: skip
    proposal = models.OneToOneField(
        "core.Proposal", null=True, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposal")
    )
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.RESTRICT, related_name="+",
        verbose_name=_("proposer"),
    )  # fmt: skip
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.RESTRICT, related_name="+",
        verbose_name=_("approver"),
    )  # fmt: skip

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("approval rule")
        verbose_name_plural = _("approval rules")
        permissions = [
            ("propose_approval_band", "Can propose how many people approve proposals"),
            ("approve_approval_band", "Can approve how many people approve proposals"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["kind", "currency", "from_amount", "version"], name="approvalband_version_once_per_band"
            ),
            models.CheckConstraint(name="approvalband_amount_has_currency", condition=FROM_AMOUNT_IN_CURRENCY),
            models.CheckConstraint(name="approvalband_approvals_in_range", condition=APPROVALS_IN_RANGE),
            models.CheckConstraint(
                name="approvalband_set_by_two_people",
                condition=Q(
                    kind=EVERY_KIND, currency="", version=1, request__isnull=True, proposal__isnull=True,
                    proposer__isnull=True, approver__isnull=True,
                )
                | (
                    Q(request__isnull=False, proposal__isnull=False, proposer__isnull=False,
                      approver__isnull=False)
                    & ~Q(proposer=F("approver"))
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} from {self.from_amount} {self.currency}, version {self.version}"
