"""Let stored schedules name `transfers.run_due`; `transfers.sweep` is its alias. Nothing else of a row changes."""

from typing import Any

from django.db import migrations
from django.utils import timezone

BEFORE, AFTER = "transfers.sweep", "transfers.run_due"


def name_run_due(apps: Any, schema_editor: Any) -> None:
    renamed = apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(task=BEFORE)
    if renamed.update(task=AFTER):
        # A running beat reads its schedules again.
        changes = apps.get_model("django_celery_beat", "PeriodicTasks")
        changes.objects.update_or_create(ident=1, defaults={"last_update": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [
        ("transfers", "0014_failure_facts"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(name_run_due, migrations.RunPython.noop)]
