from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly, LiftAppendOnly


class Migration(migrations.Migration):
    """Rename what had names of its own: answers of a provider, waivers of a limit."""

    dependencies = [
        ("transfers", "0010_past_admissions"),
    ]

    operations = [
        migrations.RenameField(model_name="disbursement", old_name="excepted_at", new_name="waived_at"),
        migrations.AlterModelOptions(
            name="manualresolution",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("propose_resolution", "Can propose how an unknown outcome ended"),
                    ("approve_resolution", "Can approve how an unknown outcome ended"),
                    ("query_provider", "Can have a provider asked again now"),
                ],
                "verbose_name": "manual resolution",
            },
        ),
        LiftAppendOnly("transfers_outsideanswer"),
        migrations.RemoveConstraint(model_name="outsideanswer", name="outsideanswer_kind_is_known"),
        migrations.RenameModel(old_name="OutsideAnswer", new_name="ProviderAnswer"),
        migrations.AlterModelOptions(
            name="provideranswer",
            options={
                "default_permissions": ("view",),
                "verbose_name": "provider answer",
                "verbose_name_plural": "provider answers",
            },
        ),
        migrations.RenameField(model_name="provideranswer", old_name="told_by", new_name="answered_call"),
        migrations.AddConstraint(
            model_name="provideranswer",
            constraint=models.CheckConstraint(
                condition=Q(kind__in=["in_flight", "contradicts", "not_seen", "refused", "unclear", "away"]),
                name="provideranswer_kind_is_known",
            ),
        ),
        AppendOnly("transfers_provideranswer"),
    ]
