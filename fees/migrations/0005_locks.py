from django.db import migrations


def _add_locks(apps, schema_editor):
    locks = apps.get_model("core", "Lock").objects
    locks.get_or_create(name="fee_schedules")
    locks.get_or_create(name="fee_reversals")


class Migration(migrations.Migration):
    """The rows that publications and reversals lock."""

    dependencies = [("fees", "0004_names_of_fields"), ("core", "0005_locks")]

    operations = [migrations.RunPython(_add_locks, migrations.RunPython.noop)]
