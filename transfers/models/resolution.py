from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import kept_while
from sunusav.core.models import FOUR_EYES, DecidedByTwo
from transfers.enums import ResolutionVerdict
from transfers.models.disbursement import Attempt


class ManualResolution(models.Model):
    """How one person proposes to resolve an attempt, and the provider's last answer then.

    The attempt's outcome stays unknown, or it was paid and the books have no place for it: then its payment is to be
    written off, with the proof and the cost that the provider reported, if it did. Append-only. It takes effect only
    when a second person approves it.
    """

    attempt = models.ForeignKey(
        Attempt, on_delete=models.RESTRICT, related_name="resolutions", verbose_name=_("attempt")
    )
    verdict = models.CharField(_("verdict"), max_length=12, choices=ResolutionVerdict)
    proof = models.CharField(_("proof"), max_length=200, blank=True)
    cost = models.BigIntegerField(_("cost"), null=True)
    outcome = models.CharField(_("outcome"), max_length=120, blank=True)
    evidence = models.JSONField(_("evidence"), default=dict)
    asked_at = models.DateTimeField(_("asked at"), null=True)
    explanation = models.CharField(_("explanation"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("manual resolution")
        verbose_name_plural = _("manual resolutions")
        permissions = [
            ("propose_resolution", "Can propose the resolution of an unknown outcome"),
            ("approve_resolution", "Can approve the resolution of an unknown outcome"),
            ("query_provider", "Can have a provider queried now"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="manualresolution_verdict_fits_its_facts",
                condition=(
                    Q(verdict__in=("paid", "written_off"), cost__isnull=False, cost__gte=0) & ~Q(proof="")
                    | Q(verdict__in=("paid", "written_off"), cost__isnull=True) & ~Q(proof="")
                    | Q(verdict="not_paid", proof="", cost__isnull=True)
                ),
            ),
            models.CheckConstraint(name="manualresolution_is_explained", condition=~Q(explanation="")),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} of attempt {self.attempt_id}"


class ResolvedAttempt(DecidedByTwo):
    """That two people resolved an attempt: who, by which proposal. Append-only.

    An attempt's outcome is decided once, and its payment written off once, with `transaction`.
    """

    attempt = models.ForeignKey(
        Attempt, on_delete=models.RESTRICT, related_name="resolved", verbose_name=_("attempt")
    )
    resolution = models.OneToOneField(
        ManualResolution, on_delete=models.RESTRICT, related_name="applied", verbose_name=_("resolution")
    )
    resolved_at = models.DateTimeField(_("resolved at"))
    transaction = models.OneToOneField(
        "ledger.JournalTransaction", null=True, on_delete=models.RESTRICT, related_name="writes_off_payment",
        verbose_name=_("transaction"),
    )  # fmt: skip
    decided_attempt = kept_while("attempt_id", models.BigIntegerField(null=True), transaction=None)
    written_off_attempt = kept_while(
        "attempt_id", models.BigIntegerField(null=True), transaction__isnull=False
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("resolved attempt")
        verbose_name_plural = _("resolved attempts")
        constraints: ClassVar[list[Any]] = [
            FOUR_EYES,
            models.UniqueConstraint(fields=["decided_attempt"], name="resolvedattempt_decides_once"),
            models.UniqueConstraint(fields=["written_off_attempt"], name="resolvedattempt_writes_off_once"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.attempt_id} by {self.proposer_id} and {self.approver_id}"
