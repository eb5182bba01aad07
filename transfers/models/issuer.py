from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField
from sunusav.core.models import FOUR_EYES, DecidedByTwo
from transfers.calculations import WHOLE_BPS


class Issuer(models.Model):
    """Who issues receipts, by law, as one person proposes it. Append-only; `AdoptedIssuer` says from when it holds."""

    legal_name = models.CharField(_("legal name"), max_length=200)
    address = models.CharField(_("address"), max_length=300)
    ninea = ExactCharField(
        _("NINEA"), max_length=30, help_text=_("the number under which the tax office knows the company")
    )
    effective_at = models.DateTimeField(_("effective at"), null=True)
    reason = models.CharField(_("reason"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("issuer of receipts")
        verbose_name_plural = _("issuers of receipts")
        permissions = [
            ("propose_receipt_terms", "Can propose the issuer of receipts, or their tax rate"),
            ("approve_receipt_terms", "Can approve the issuer of receipts, or their tax rate"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="issuer_is_complete", condition=~Q(legal_name="") & ~Q(address="") & ~Q(ninea="")
            ),
            models.CheckConstraint(name="issuer_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.legal_name}, NINEA {self.ninea}"


class AdoptedIssuer(DecidedByTwo):
    """That two people set who issues receipts from a moment on. Append-only; the last one that is effective holds."""

    issuer = models.OneToOneField(
        Issuer, on_delete=models.RESTRICT, related_name="adopted", verbose_name=_("issuer of receipts")
    )
    effective_at = models.DateTimeField(_("effective at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("issuer in force")
        verbose_name_plural = _("issuers in force")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["effective_at"], name="adoptedissuer_by_moment"),
        ]
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"issuer {self.issuer_id} from {self.effective_at}"


class TaxRate(models.Model):
    """A rate of the tax that fees contain, as one person proposes it. Append-only; `AdoptedTaxRate` as with issuers."""

    rate_bps = models.PositiveIntegerField(_("tax rate"))
    effective_at = models.DateTimeField(_("effective at"), null=True)
    reason = models.CharField(_("reason"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="taxrate_is_below_one", condition=Q(rate_bps__lt=WHOLE_BPS)),
            models.CheckConstraint(name="taxrate_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.rate_bps} bps"


class AdoptedTaxRate(DecidedByTwo):
    """That two people set the tax rate from a moment on. Append-only; before the first one the rate is 0."""

    tax_rate = models.OneToOneField(
        TaxRate, on_delete=models.RESTRICT, related_name="adopted", verbose_name=_("tax rate")
    )
    effective_at = models.DateTimeField(_("effective at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("tax rate in force")
        verbose_name_plural = _("tax rates in force")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["effective_at"], name="adoptedtaxrate_by_moment"),
        ]
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"tax rate {self.tax_rate_id} from {self.effective_at}"
