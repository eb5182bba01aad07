from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core.fields import ExactCharField, kept_while


class CreditUse(models.Model):
    """A member's credit that was used for one subject, and whether it was returned since. Units: msat."""

    owner = ExactCharField(_("owner"), max_length=80)
    subject = ExactCharField(_("subject"), max_length=120)
    amount_msat = models.BigIntegerField(_("amount"))
    into_role = models.CharField(_("into role"), max_length=30)
    into_owner = ExactCharField(_("into owner"), max_length=120, blank=True)
    used_at = models.DateTimeField(_("used at"))
    transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        on_delete=models.RESTRICT,
        related_name="credit_use",
        verbose_name=_("transaction"),
    )
    returned_at = models.DateTimeField(_("returned at"), null=True)
    return_transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        null=True,
        on_delete=models.RESTRICT,
        related_name="returned_credit_use",
        verbose_name=_("return transaction"),
    )
    live_subject = kept_while("subject", ExactCharField(max_length=120, null=True), returned_at__isnull=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("use of credit")
        verbose_name_plural = _("uses of credit")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["subject", "id"], name="credituse_by_subject"),
            models.Index(fields=["used_at"], name="credituse_by_moment"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["live_subject"], name="credituse_one_live_per_subject"),
            models.CheckConstraint(name="credituse_amount_is_positive", condition=Q(amount_msat__gt=0)),
            models.CheckConstraint(
                name="credituse_returned_is_booked",
                condition=Q(returned_at=None, return_transaction=None)
                | Q(returned_at__isnull=False, return_transaction__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_msat} msat of {self.owner} for {self.subject}"

    @property
    def account(self) -> AccountRef:
        """Return the member's credit."""
        return AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, self.owner)

    @property
    def into(self) -> AccountRef:
        """Return the account that was credited."""
        return AccountRef(AccountRole(self.into_role), Currency.MSAT, self.into_owner)
