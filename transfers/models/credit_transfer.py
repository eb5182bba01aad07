from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core.fields import ExactCharField
from sunusav.core.models import FOUR_EYES, DecidedByTwo

REFERENCE_LENGTH = 120


class CreditTransferRequest(models.Model):
    """What one person proposes to move from a member's credit to another's, with its evidence. Append-only.

    Units: msat. It is booked only when a second person approves it (`CreditTransfer`).
    """

    from_owner = ExactCharField(_("from"), max_length=80)
    to_owner = ExactCharField(_("to"), max_length=80)
    amount_msat = models.BigIntegerField(_("amount"))
    reference = models.CharField(_("reference"), max_length=REFERENCE_LENGTH)
    explanation = models.CharField(_("explanation"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("proposed transfer of credit")
        verbose_name_plural = _("proposed transfers of credit")
        permissions = [
            ("propose_credit_transfer", "Can propose to move a member's credit to another person"),
            ("approve_credit_transfer", "Can approve moving a member's credit to another person"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["from_owner", "id"], name="credittransfer_by_owner"),
            models.Index(fields=["to_owner"], name="credittransfer_by_recipient"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="credittransferrequest_amount_is_positive", condition=Q(amount_msat__gt=0)
            ),
            models.CheckConstraint(
                name="credittransferrequest_to_another", condition=~Q(from_owner=F("to_owner"))
            ),
            models.CheckConstraint(
                name="credittransferrequest_has_evidence", condition=~Q(reference="") & ~Q(explanation="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_msat} msat of {self.from_owner} to {self.to_owner}"

    @property
    def from_account(self) -> AccountRef:
        return AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, self.from_owner)

    @property
    def to_account(self) -> AccountRef:
        return AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, self.to_owner)


class CreditTransfer(DecidedByTwo):
    """That two people had a member's credit moved to another person, and as which transaction. Append-only."""

    request = models.OneToOneField(
        CreditTransferRequest, on_delete=models.RESTRICT, related_name="booked", verbose_name=_("request")
    )
    transaction = models.OneToOneField(
        "ledger.JournalTransaction",
        on_delete=models.RESTRICT,
        related_name="credit_transfer",
        verbose_name=_("transaction"),
    )
    transferred_at = models.DateTimeField(_("transferred at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("transfer of credit")
        verbose_name_plural = _("transfers of credit")
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"request {self.request_id} by {self.proposer_id} and {self.approver_id}"
