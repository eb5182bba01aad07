from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly

KINDS = ["in_flight", "contradicts", "paid_earlier", "too_late", "not_seen", "refused", "unclear", "away"]
CHOICES = [
    ("in_flight", "In Flight"),
    ("contradicts", "Contradicts"),
    ("paid_earlier", "Paid Earlier"),
    ("too_late", "Too Late"),
    ("not_seen", "Not Seen"),
    ("refused", "Refused"),
    ("unclear", "Unclear"),
    ("away", "Away"),
]


class Migration(migrations.Migration):
    """Require the latest moment of every send; store two more kinds of answers."""

    dependencies = [("transfers", "0017_latest_moments_of_sends")]

    operations = [
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=Q(sent_at=None) | Q(send_not_after__isnull=False),
                name="attempt_sent_has_latest_moment",
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=Q(paid_outside_at=None) | Q(state__in=("failed", "void")),
                name="attempt_paid_outside_is_closed",
            ),
        ),
        migrations.RemoveConstraint(model_name="provideranswer", name="provideranswer_kind_is_known"),
        migrations.AlterField(
            model_name="provideranswer",
            name="kind",
            field=models.CharField(choices=CHOICES, max_length=12, verbose_name="kind"),
        ),
        migrations.AddConstraint(
            model_name="provideranswer",
            constraint=models.CheckConstraint(
                condition=Q(kind__in=KINDS), name="provideranswer_kind_is_known"
            ),
        ),
        # SQLite rebuilt the table without its triggers.
        AppendOnly("transfers_provideranswer"),
    ]
