from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly, LiftAppendOnly


PERMISSIONS = {"ask_outside": "query_provider", "view_outsideanswer": "view_provideranswer"}


def _rename_permissions(apps, schema_editor):
    """Keep the grants of people and groups: on a new database there is none yet."""
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="transfers")
    for old, new in PERMISSIONS.items():
        permissions.filter(codename=old).update(codename=new)


def _restore_permissions(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="transfers")
    for old, new in PERMISSIONS.items():
        permissions.filter(codename=new).update(codename=old)


class Migration(migrations.Migration):
    """Name answers of a provider and waivers of a limit by the terms that the code uses."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
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
        migrations.RunPython(_rename_permissions, _restore_permissions),
    ]
