from django.db import migrations


def _add_lock(apps, schema_editor):
    apps.get_model("core", "SealerLock").objects.get_or_create(chain="books")


class Migration(migrations.Migration):
    """The row that sealers of the books lock is there from the start: making it on first use can deadlock two."""

    dependencies = [("ledger", "0002_append_only"), ("core", "0001_initial")]

    operations = [migrations.RunPython(_add_lock, migrations.RunPython.noop)]
