from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import AccountRole, Currency
from ledger.models.choices import choices_of
from ledger.types import AccountRef
from sunusav.core.fields import ExactCharField

CODE_LENGTH = 120
# What an account owes back is owned by the code of that account.
OWNER_LENGTH = 104


class Account(models.Model):
    """One account of the books. Append-only: its role, currency and owner never change."""

    code = ExactCharField(_("code"), max_length=CODE_LENGTH)
    role = models.CharField(_("role"), max_length=30, choices=choices_of(AccountRole))
    currency = models.CharField(_("currency"), max_length=4, choices=choices_of(Currency))
    owner = ExactCharField(_("owner"), max_length=OWNER_LENGTH, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["code"], name="account_code_is_unique"),
            models.UniqueConstraint(
                fields=["role", "currency", "owner"], name="account_one_per_role_currency_owner"
            ),
            models.CheckConstraint(
                name="account_currency_is_known", condition=Q(currency__in=[c.value for c in Currency])
            ),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def ref(self) -> AccountRef:
        return AccountRef(AccountRole(self.role), Currency(self.currency), self.owner)


class AccountCheckpoint(models.Model):
    """The sum of an account's sealed entries, which its balance starts from. Only the sealer moves it.

    Every transaction up to `floor` was sealed when the checkpoint was last moved, so unsealed entries are
    searched only above it. The row is a cache: the auditor rebuilds it from the entries (I19).
    """

    account = models.OneToOneField(
        Account,
        on_delete=models.RESTRICT,
        primary_key=True,
        related_name="checkpoint",
        verbose_name=_("account"),
    )
    amount = models.BigIntegerField(_("amount"))
    sealed_seq = models.BigIntegerField(_("sealed seq"))
    floor = models.BigIntegerField(_("floor"), db_index=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("account checkpoint")
        verbose_name_plural = _("account checkpoints")

    def __str__(self) -> str:
        return f"{self.account_id}: {self.amount} through seal {self.sealed_seq}"
