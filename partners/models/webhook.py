from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from partners.enums import Authenticity, WebhookOutcome
from sunusav.core.fields import ExactCharField


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
