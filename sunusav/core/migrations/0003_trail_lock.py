from django.db import migrations


def add_lock(apps, schema_editor):
    apps.get_model("core", "SealerLock").objects.get_or_create(chain="trail")


class Migration(migrations.Migration):
    """The row that the trail's sealer locks, there before two sealers could both miss it."""

    dependencies = [("core", "0002_append_only")]

    operations = [migrations.RunPython(add_lock, migrations.RunPython.noop)]
