from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from partners.models.settlement import Settlement

TEXT_LENGTH = 500


class ContestedLine(models.Model):
    """That a partner contests a line of a settlement's statement, as finance recorded it with evidence. Append-only."""

    settlement = models.ForeignKey(
        Settlement, on_delete=models.RESTRICT, related_name="contested_lines", verbose_name=_("settlement")
    )
    fee_record = models.ForeignKey(
        "fees.FeeRecord", on_delete=models.RESTRICT, related_name="+", verbose_name=_("fee record")
    )
    contested_on = models.DateField(_("contested on"))
    reason = models.CharField(_("reason"), max_length=TEXT_LENGTH)
    recorder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("contested line")
        verbose_name_plural = _("contested lines")
        permissions = [
            ("record_contested_line", "Can record that a partner contests a line of a statement"),
            ("answer_contested_line", "Can answer a line that a partner contests"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["settlement", "fee_record"], name="contestedline_once_per_statement"
            ),
            models.CheckConstraint(name="contestedline_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"fee record {self.fee_record_id} of settlement {self.settlement_id}"


class LineAnswer(models.Model):
    """What the partner was answered. It books nothing. Append-only."""

    line = models.OneToOneField(
        ContestedLine, on_delete=models.RESTRICT, related_name="answer", verbose_name=_("contested line")
    )
    is_upheld = models.BooleanField(_("the partner is right"))
    answer = models.CharField(_("answer"), max_length=TEXT_LENGTH)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("answered by")
    )
    answered_at = models.DateTimeField(_("answered at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("answer about a contested line")
        verbose_name_plural = _("answers about contested lines")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="lineanswer_has_text", condition=~Q(answer="")),
        ]

    def __str__(self) -> str:
        return f"answer about contested line {self.line_id}"
