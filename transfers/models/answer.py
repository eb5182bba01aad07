from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from transfers.enums import AnsweredCall, AnswerKind
from transfers.models.disbursement import Attempt


class ProviderAnswer(models.Model):
    """What a provider answered about an attempt, kept when it differs from the answer before. Append-only.

    About a closed attempt only what leaves it in doubt is kept. The answer that closes an attempt is stored on the
    attempt itself.
    """

    attempt = models.ForeignKey(
        Attempt, on_delete=models.RESTRICT, related_name="answers", verbose_name=_("attempt")
    )
    at = models.DateTimeField(_("at"))
    answered_call = models.CharField(_("answered call"), max_length=4, choices=AnsweredCall)
    kind = models.CharField(_("kind"), max_length=12, choices=AnswerKind)
    outcome = models.CharField(_("outcome"), max_length=120)
    evidence = models.JSONField(_("evidence"), default=dict)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("provider answer")
        verbose_name_plural = _("provider answers")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="provideranswer_kind_is_known", condition=Q(kind__in=AnswerKind.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} about attempt {self.attempt_id}"
