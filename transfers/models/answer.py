from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from transfers.enums import AnswerKind, ToldBy
from transfers.models.disbursement import Attempt


class OutsideAnswer(models.Model):
    """What the outside said of an open attempt, told when it said something else than before. Append-only.

    The answer that closes an attempt stands on the attempt itself.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.RESTRICT, related_name="answers")
    at = models.DateTimeField()
    told_by = models.CharField(max_length=4, choices=ToldBy)
    kind = models.CharField(max_length=12, choices=AnswerKind)
    outcome = models.CharField(max_length=120)
    evidence = models.JSONField(default=dict)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "answer of the outside"
        verbose_name_plural = "answers of the outside"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="outsideanswer_kind_is_known", condition=Q(kind__in=AnswerKind.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} about attempt {self.attempt_id}"
