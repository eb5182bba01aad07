from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ProviderSwitch(models.Model):
    """Whether a provider (a rail, a collector, or both under one name) is used: one person switches it off, two on.

    A row exists once it was switched off for the first time. `reason` is what people wrote; `code` and `facts` are why
    the engine switched it off, where it did.
    """

    provider = models.CharField(_("provider"), max_length=30, primary_key=True)
    is_on = models.BooleanField(_("is on"), default=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    code = models.CharField(_("cause"), max_length=80, blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    changed_by = models.CharField(_("changed by"), max_length=150, blank=True)
    changed_at = models.DateTimeField(_("changed at"), null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("switch of a provider")
        verbose_name_plural = _("switches of providers")
        permissions = [
            ("switch_off_provider", "Can switch a provider off"),
            ("propose_provider_switch_on", "Can propose to switch a provider on"),
            ("approve_provider_switch_on", "Can approve that a provider is switched on"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="providerswitch_off_has_reason",
                condition=Q(is_on=True) | (Q(changed_at__isnull=False) & (~Q(reason="") | ~Q(code=""))),
            ),
            models.CheckConstraint(
                name="providerswitch_on_has_no_cause", condition=Q(is_on=False) | Q(code="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {'on' if self.is_on else 'off'}"
