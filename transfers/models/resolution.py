from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from transfers.enums import ResolutionVerdict
from transfers.models.disbursement import Attempt


class ManualResolution(models.Model):
    """How one person proposes to close an attempt whose outcome stays unknown, and the provider's last answer then.

    Append-only. It takes effect only when a second person approves it.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.RESTRICT, related_name="resolutions")
    verdict = models.CharField(max_length=10, choices=ResolutionVerdict)
    proof = models.CharField(max_length=200, blank=True)
    cost_msat = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=120, blank=True)
    evidence = models.JSONField(default=dict)
    asked_at = models.DateTimeField(null=True)
    explanation = models.CharField(max_length=500)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+")
    proposed_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "manual resolution"
        permissions = [
            ("propose_resolution", "Can propose the resolution of an unknown outcome"),
            ("approve_resolution", "Can approve the resolution of an unknown outcome"),
            ("query_provider", "Can have a provider queried now"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="manualresolution_verdict_fits_its_facts",
                condition=(
                    Q(verdict="paid", cost_msat__isnull=False, cost_msat__gte=0) & ~Q(proof="")
                    | Q(verdict="not_paid", proof="", cost_msat__isnull=True)
                ),
            ),
            models.CheckConstraint(name="manualresolution_is_explained", condition=~Q(explanation="")),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} of attempt {self.attempt_id}"


class ResolvedAttempt(models.Model):
    """That two people resolved an attempt: who, by which proposal. Append-only, at most one per attempt.

    The proposer is copied so that a constraint can compare both people; the audit checks the copy.
    """

    attempt = models.OneToOneField(Attempt, on_delete=models.RESTRICT, related_name="resolved")
    resolution = models.OneToOneField(ManualResolution, on_delete=models.RESTRICT, related_name="applied")
    proposal = models.OneToOneField("core.Proposal", on_delete=models.RESTRICT, related_name="+")
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+")
    resolved_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        verbose_name = "resolved attempt"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="resolvedattempt_four_eyes", condition=~Q(approver=F("proposer"))),
        ]

    def __str__(self) -> str:
        return f"attempt {self.attempt_id} by {self.proposer_id} and {self.approver_id}"
