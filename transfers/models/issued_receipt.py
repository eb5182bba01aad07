from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField, kept_while
from transfers.calculations import WHOLE_BPS
from transfers.models.issuer import AdoptedIssuer, AdoptedTaxRate

FIRST_YEAR = 2009  # of Bitcoin
NONCE_DIGITS = 32


class IssuedReceipt(models.Model):
    """A receipt that was issued for a payment, with everything that is on it. Append-only.

    `count` runs from 1 without gaps per kind and year of Dakar; `number` is what people read.
    """

    kind = models.CharField(_("kind"), max_length=30)
    year = models.PositiveSmallIntegerField(_("year"))
    count = models.PositiveIntegerField(_("count"))
    number = ExactCharField(_("number"), max_length=40)
    subject = ExactCharField(_("subject"), max_length=120)
    issued_at = models.DateTimeField(_("issued at"))
    issued_by = models.CharField(_("issued by"), max_length=150)
    issuer = models.ForeignKey(
        AdoptedIssuer, on_delete=models.RESTRICT, related_name="receipts", verbose_name=_("issuer in force")
    )
    tax_rate = models.ForeignKey(
        AdoptedTaxRate,
        null=True,
        on_delete=models.RESTRICT,
        related_name="receipts",
        verbose_name=_("tax rate in force"),
        help_text=_("empty: none was set, so 0 %"),
    )
    tax_rate_bps = models.PositiveIntegerField(_("tax rate"))
    tax_sats = models.BigIntegerField(_("tax"))
    facts = models.JSONField(_("facts"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("issued receipt")
        verbose_name_plural = _("issued receipts")
        permissions = [("issue_receipt", "Can issue receipts, and open and revoke their links")]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["issued_at"], name="issuedreceipt_by_moment")]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["kind", "year", "count"], name="issuedreceipt_number_used_once"),
            models.UniqueConstraint(fields=["number"], name="issuedreceipt_number_read_once"),
            models.UniqueConstraint(fields=["subject", "kind"], name="issuedreceipt_once_per_subject"),
            models.CheckConstraint(
                name="issuedreceipt_counts_from_one", condition=Q(count__gte=1, year__gte=FIRST_YEAR)
            ),
            models.CheckConstraint(
                name="issuedreceipt_tax_fits_its_rate",
                condition=Q(tax_rate_bps=0, tax_sats=0)
                | Q(tax_rate__isnull=False, tax_rate_bps__gt=0, tax_rate_bps__lt=WHOLE_BPS, tax_sats__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} for {self.subject}"


class ReceiptLink(models.Model):
    """A link that shows a receipt to anybody who has it. The signature in its token is not stored."""

    receipt = models.ForeignKey(
        IssuedReceipt, on_delete=models.RESTRICT, related_name="links", verbose_name=_("issued receipt")
    )
    nonce = ExactCharField(_("nonce"), max_length=NONCE_DIGITS)
    opened_by = models.CharField(_("opened by"), max_length=150)
    opened_at = models.DateTimeField(_("opened at"))
    expires_at = models.DateTimeField(_("expires at"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    live_receipt = kept_while("receipt_id", models.BigIntegerField(null=True), closed_at__isnull=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("link of a receipt")
        verbose_name_plural = _("links of receipts")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["nonce"], name="receiptlink_nonce_used_once"),
            models.UniqueConstraint(fields=["live_receipt"], name="receiptlink_one_live_per_receipt"),
            models.CheckConstraint(
                name="receiptlink_expires_after_opening", condition=Q(expires_at__gt=F("opened_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.pk} of receipt {self.receipt_id}"
