from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from transfers.enums import AnsweredCall, AnswerKind
from transfers.models.disbursement import Attempt


class ProviderAnswer(models.Model):
    """What a provider answered about an open attempt, kept when it differs from the answer before. Append-only.

    The answer that closes an attempt is stored on the attempt itself.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.RESTRICT, related_name="answers")
    at = models.DateTimeField()
    answered_call = models.CharField(max_length=4, choices=AnsweredCall)
    kind = models.CharField(max_length=12, choices=AnswerKind)
    outcome = models.CharField(max_length=120)
    evidence = models.JSONField(default=dict)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "provider answer"
        verbose_name_plural = "provider answers"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="provideranswer_kind_is_known", condition=Q(kind__in=AnswerKind.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} about attempt {self.attempt_id}"
