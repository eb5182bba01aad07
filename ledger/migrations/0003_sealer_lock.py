from django.db import migrations


def _add_lock(apps, schema_editor):
    apps.get_model("core", "SealerLock").objects.get_or_create(chain="books")


class Migration(migrations.Migration):
    """Create the row that sealers of the books lock: two sealers that create it on first use can deadlock."""

    dependencies = [("ledger", "0002_append_only"), ("core", "0001_initial")]

    # It renames the model that this migration uses.
    run_before = [("core", "0005_locks")]

    operations = [migrations.RunPython(_add_lock, migrations.RunPython.noop)]
