from django.db import models
from django.utils.translation import gettext_lazy as _


class Switch(models.Model):
    """A named switch: one person closes it at once, two people open it again."""

    name = models.CharField(_("name"), max_length=30, primary_key=True)
    is_open = models.BooleanField(_("is open"), default=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    changed_by = models.CharField(_("changed by"), max_length=150, blank=True)
    changed_at = models.DateTimeField(_("changed at"), null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("switch")
        verbose_name_plural = _("switches")
        permissions = [
            ("pause_outgoing", "Can pause outgoing money"),
            ("propose_resume_outgoing", "Can propose to resume outgoing money"),
            ("approve_resume_outgoing", "Can approve that outgoing money resumes"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {'open' if self.is_open else 'closed'}"
