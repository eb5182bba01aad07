from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from partners.enums import Authenticity, WebhookOutcome
from sunusav.core.fields import ExactCharField
from sunusav.core.models import FOUR_EYES, DecidedByTwo


class InboundWebhook(models.Model):
    """A delivery of a partner that proved to be authentic, or an unsigned one about an open payment of ours.

    Its body is not kept. `event_key` names the event at its partner, or is a keyed hash of the body. It is followed
    at `follow_at` and again until its payment has ended, for a minute at most; then it is handled.
    """

    partner = models.CharField(_("partner"), max_length=30)
    event_key = ExactCharField(_("event key"), max_length=100)
    kind = models.CharField(_("kind"), max_length=60, blank=True)
    reference = ExactCharField(_("reference"), max_length=36, blank=True)
    transaction_id = ExactCharField(_("transaction id"), max_length=60, blank=True)
    authenticity = models.CharField(_("authenticity"), max_length=20, choices=Authenticity)
    received_at = models.DateTimeField(_("received at"))
    follow_at = models.DateTimeField(_("follow at"), null=True)
    handled_at = models.DateTimeField(_("handled at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=WebhookOutcome, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("webhook of a partner")
        verbose_name_plural = _("webhooks of partners")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["follow_at"], name="inboundwebhook_to_follow"),
            models.Index(fields=["partner", "received_at"], name="inboundwebhook_by_partner"),
            models.Index(fields=["received_at"], name="inboundwebhook_by_age"),
            models.Index(fields=["reference"], name="inboundwebhook_by_reference"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["event_key", "partner"], name="inboundwebhook_event_stored_once"),
            models.CheckConstraint(name="inboundwebhook_event_is_named", condition=~Q(event_key="")),
            models.CheckConstraint(
                name="inboundwebhook_authenticity_is_known",
                condition=Q(authenticity__in=Authenticity.values),
            ),
            models.CheckConstraint(
                name="inboundwebhook_handled_has_outcome",
                condition=Q(follow_at__isnull=False, handled_at=None, outcome="")
                | Q(follow_at=None, handled_at__isnull=False, outcome__in=WebhookOutcome.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} {self.kind}"


class FloatMinimum(models.Model):
    """The least that our money at a partner should be, as one person proposes it. Append-only.

    People are alerted when the float is below `minimum_xof`, or lasts for fewer than `minimum_days` at the average of
    the last seven days; 0 alerts nobody. `AdoptedFloatMinimum` puts it in force.
    """

    partner = models.CharField(_("partner"), max_length=30)
    minimum_xof = models.BigIntegerField(_("minimum float"))
    minimum_days = models.PositiveSmallIntegerField(_("minimum days of cover"))
    reason = models.CharField(_("reason"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("minimum float at a partner")
        verbose_name_plural = _("minimum floats at partners")
        permissions = [
            ("propose_float_minimum", "Can propose the minimum float at a partner"),
            ("approve_float_minimum", "Can approve the minimum float at a partner"),
            ("view_partner_balance", "Can read the balance at a partner by the API"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="floatminimum_is_not_negative", condition=Q(minimum_xof__gte=0, minimum_days__gte=0)
            ),
            models.CheckConstraint(name="floatminimum_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.minimum_xof} XOF, {self.minimum_days} days"


class AdoptedFloatMinimum(DecidedByTwo):
    """That two people put a minimum float in force. Append-only; the last one of a partner holds."""

    minimum = models.OneToOneField(
        FloatMinimum, on_delete=models.RESTRICT, related_name="adopted", verbose_name=_("minimum float")
    )
    adopted_at = models.DateTimeField(_("adopted at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("minimum float in force")
        verbose_name_plural = _("minimum floats in force")
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"minimum {self.minimum_id} since {self.adopted_at}"
