from django.db import migrations


def _add_locks(apps, schema_editor):
    locks = apps.get_model("core", "Lock").objects
    locks.get_or_create(name="payment_limits")


class Migration(migrations.Migration):
    """The row that openings and changes of limits lock."""

    dependencies = [("transfers", "0022_one_hold_required"), ("core", "0005_locks")]

    operations = [migrations.RunPython(_add_locks, migrations.RunPython.noop)]
