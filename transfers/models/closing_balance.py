from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from transfers.models.statement import StatementImport


class ClosingBalance(models.Model):
    """What the account of a source had at the end of a statement's last day, as the statement says. Append-only.

    The last one of a statement holds: a later one, with its reason, corrects a figure that was mistyped. Units: francs.
    """

    statement = models.ForeignKey(
        StatementImport, on_delete=models.RESTRICT, related_name="closing_balances",
        verbose_name=_("imported statement"),
    )  # fmt: skip
    closing_xof = models.BigIntegerField(_("closing balance"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        default_permissions = ()
        verbose_name = _("closing balance")
        verbose_name_plural = _("closing balances")

    def __str__(self) -> str:
        return f"{self.statement_id}: {self.closing_xof} XOF"
