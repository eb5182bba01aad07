from django.db import models


class Switch(models.Model):
    """A named switch: one person closes it at once, two people open it again."""

    name = models.CharField(max_length=30, primary_key=True)
    is_open = models.BooleanField(default=True)
    reason = models.CharField(max_length=500, blank=True)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "switch"
        verbose_name_plural = "switches"
        permissions = [
            ("pause_outgoing", "Can pause outgoing money"),
            ("propose_resume_outgoing", "Can propose to resume outgoing money"),
            ("approve_resume_outgoing", "Can approve that outgoing money resumes"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {'open' if self.is_open else 'closed'}"
