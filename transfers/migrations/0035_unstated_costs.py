from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("transfers", "0034_refused_credentials")]

    operations = [
        migrations.RemoveConstraint("attempt", "attempt_success_has_proof"),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                name="attempt_success_has_proof",
                condition=~Q(state="succeeded")
                | (~Q(proof="") & (Q(cost=None) | Q(cost__isnull=False, cost__gte=0))),
            ),
        ),
        migrations.RemoveConstraint("manualresolution", "manualresolution_verdict_fits_its_facts"),
        migrations.AddConstraint(
            model_name="manualresolution",
            constraint=models.CheckConstraint(
                name="manualresolution_verdict_fits_its_facts",
                condition=(
                    Q(verdict__in=("paid", "written_off"), cost__isnull=False, cost__gte=0) & ~Q(proof="")
                    | Q(verdict="written_off", cost__isnull=True) & ~Q(proof="")
                    | Q(verdict="not_paid", proof="", cost__isnull=True)
                ),
            ),
        ),
        AppendOnly("transfers_manualresolution"),
    ]
