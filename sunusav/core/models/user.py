from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Staff and service accounts. Members of tontines are platform identifiers, never users."""

    is_service = models.BooleanField(default=False, help_text="A program, not a person.")

    class Meta:
        verbose_name = "user"
        verbose_name_plural = "users"
        constraints = [
            models.CheckConstraint(
                name="user_service_is_not_staff",
                condition=~models.Q(is_service=True, is_staff=True),
            )
        ]
