from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    """A payment that two people find paid may have no cost, where its provider states none."""

    dependencies = [("transfers", "0040_recipient_names")]

    operations = [
        migrations.RemoveConstraint("manualresolution", "manualresolution_verdict_fits_its_facts"),
        migrations.AddConstraint(
            "manualresolution",
            models.CheckConstraint(
                name="manualresolution_verdict_fits_its_facts",
                condition=(
                    Q(verdict__in=("paid", "written_off"), cost__isnull=False, cost__gte=0) & ~Q(proof="")
                    | Q(verdict__in=("paid", "written_off"), cost__isnull=True) & ~Q(proof="")
                    | Q(verdict="not_paid", proof="", cost__isnull=True)
                ),
            ),
        ),
        # SQLite makes the table anew, without its triggers.
        AppendOnly("transfers_manualresolution"),
    ]
