from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

ADDRESS_LENGTH = 45
BROWSER_LENGTH = 200


class StaffSession(models.Model):
    """Whose session of Django a row is, from where and since when. It is deleted with that session."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="staff_sessions",
        verbose_name=_("user"),
    )
    session = models.OneToOneField("sessions.Session", on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField(_("logged in at"))
    seen_at = models.DateTimeField(_("last used at"))
    address = models.CharField(_("IP address"), max_length=ADDRESS_LENGTH, blank=True)
    user_agent = models.CharField(_("browser"), max_length=BROWSER_LENGTH, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [("end_staffsession", "Can end the sessions of other people")]
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return f"{self.user_id} since {self.started_at:%Y-%m-%d %H:%M}"


class LoginAttempt(models.Model):
    """A login attempt that failed or has not ended yet, under a keyed hash of what it is counted for."""

    key = models.CharField(_("key"), max_length=64)
    at = models.DateTimeField(_("at"))

    class Meta:
        default_permissions = ()
        verbose_name = _("login attempt")
        verbose_name_plural = _("login attempts")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["key", "at"], name="loginattempt_by_key"),
            models.Index(fields=["at"], name="loginattempt_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.key[:8]} at {self.at}"
