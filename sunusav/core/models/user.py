from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """Staff and service accounts. Members of tontines are platform identifiers, never users."""

    is_service = models.BooleanField(_("is service"), default=False, help_text=_("A program, not a person."))

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                name="user_service_is_not_staff",
                condition=~models.Q(is_service=True, is_staff=True),
            )
        ]
