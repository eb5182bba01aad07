from django.db import migrations, models

from sunusav.core.migration_operations import LiftAppendOnly


class Migration(migrations.Migration):
    """Columns for what the next migration encrypts. Stop every process of ours first, web included."""

    dependencies = [("payouts", "0010_corrections")]

    operations = [
        LiftAppendOnly("payouts_proposedrefund"),
        migrations.RemoveConstraint("cycle", "cycle_destination_is_whole"),
        migrations.RemoveConstraint("cycle", "cycle_second_choice_is_whole"),
        migrations.AddField(
            "cycle", "sealed_destination", models.BinaryField(null=True, verbose_name="sealed destination")
        ),
        migrations.AddField(
            "cycle", "sealed_second", models.BinaryField(null=True, verbose_name="sealed second choice")
        ),
    ]  # fmt: skip
