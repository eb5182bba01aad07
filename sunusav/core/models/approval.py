from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField, kept_while

FOUR_EYES = models.CheckConstraint(name="%(class)s_four_eyes", condition=~Q(approver=F("proposer")))


class ProposalState(models.TextChoices):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Proposal(models.Model):
    """What one person asks others to approve, bound to a digest of the facts shown.

    `approvals_needed` and `band` are those of the moment of the proposal.
    """

    kind = models.CharField(_("kind"), max_length=40)
    subject_id = ExactCharField(_("subject id"), max_length=80)
    state = models.CharField(_("state"), max_length=12, choices=ProposalState, default=ProposalState.OPEN)
    facts = models.JSONField(_("facts"))
    digest = models.CharField(_("digest"), max_length=64)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.RESTRICT,
        related_name="proposals",
        verbose_name=_("proposer"),
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    band = models.ForeignKey(
        "core.ApprovalBand", on_delete=models.RESTRICT, related_name="+", verbose_name=_("approval rule")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    outcome_seen_at = models.DateTimeField(_("outcome seen at"), null=True, blank=True)
    open_subject = kept_while("subject_id", ExactCharField(max_length=80, null=True), state="open")

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["subject_id"], name="proposal_by_subject"),
            models.Index(fields=["kind"], name="proposal_by_kind"),
            models.Index(fields=["state"], name="proposal_by_state"),
            models.Index(fields=["proposed_at"], name="proposal_by_moment"),
            models.Index(fields=["decided_at"], name="proposal_by_decision"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["kind", "open_subject"], name="proposal_one_open_per_subject"),
            models.CheckConstraint(
                name="proposal_decided_when_not_open",
                condition=Q(state="open", decided_at__isnull=True)
                | (~Q(state="open") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="proposal_outcome_seen_once_decided",
                condition=~Q(state="open") | Q(outcome_seen_at__isnull=True),
            ),
            models.CheckConstraint(name="proposal_needs_an_approval", condition=Q(approvals_needed__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id} ({self.state})"


class Approval(models.Model):
    """One person's decision on a proposal, append-only. `proposer` is a copy, so that a constraint can compare it."""

    proposal = models.ForeignKey(
        Proposal, on_delete=models.RESTRICT, related_name="approvals", verbose_name=_("proposal")
    )
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.RESTRICT,
        related_name="approvals",
        verbose_name=_("approver"),
    )
    digest = models.CharField(_("digest"), max_length=64)
    is_approved = models.BooleanField(_("is approved"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["proposal", "approver"], name="approval_one_per_approver"),
            FOUR_EYES,
            models.CheckConstraint(
                name="approval_rejection_has_reason", condition=Q(is_approved=True) | ~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} by {self.approver_id}"


class DecidedByTwo(models.Model):
    """What two people decided, and by which proposal. A subclass lists `FOUR_EYES` among its constraints.

    The proposer is copied so that the constraint can compare both people; the audit checks the copy.
    """

    proposal = models.OneToOneField(
        "core.Proposal", on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposal")
    )
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("approver")
    )

    class Meta:
        abstract = True
