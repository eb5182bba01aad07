from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    """What of a payment's cost came back with it: nothing, until now."""

    dependencies = [("transfers", "0041_costs_of_resolutions")]

    operations = [
        migrations.AddField(
            "reversal", "returned_cost", models.BigIntegerField(default=0, verbose_name="returned cost")
        ),
        migrations.AddConstraint(
            "reversal",
            models.CheckConstraint(
                name="reversal_cost_comes_from_its_provider",
                condition=Q(returned_cost=0) | Q(kind="provider_reversal", returned_cost__gt=0),
            ),
        ),
        # SQLite makes the table anew, without its triggers.
        AppendOnly("transfers_reversal"),
    ]
