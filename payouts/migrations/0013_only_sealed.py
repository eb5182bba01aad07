from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    """Drop what is encrypted now."""

    dependencies = [("payouts", "0012_seal_destinations")]

    operations = [
        migrations.RemoveField("cycle", "destination_value"),
        migrations.RemoveField("cycle", "second_value"),
        migrations.AddConstraint(
            "cycle",
            models.CheckConstraint(
                condition=Q(
                    destination_rail="", destination_kind="", sealed_destination=None, destination_set_at=None
                )
                | (
                    ~Q(destination_rail="")
                    & ~Q(destination_kind="")
                    & Q(sealed_destination__isnull=False)
                    & Q(destination_set_at__isnull=False)
                ),
                name="cycle_destination_is_whole",
            ),
        ),
        migrations.AddConstraint(
            "cycle",
            models.CheckConstraint(
                condition=Q(second_rail="", second_kind="", sealed_second=None, second_replaced_at=None)
                | (
                    ~Q(second_rail="")
                    & ~Q(second_kind="")
                    & Q(sealed_second__isnull=False)
                    & ~Q(destination_rail="")
                ),
                name="cycle_second_choice_is_whole",
            ),
        ),
        AppendOnly("payouts_proposedrefund"),
    ]  # fmt: skip
