from django.db import migrations

from fees.defaults import ensure_default_schedule


def _ensure_default_schedule(apps, schema_editor):
    ensure_default_schedule(apps)


class Migration(migrations.Migration):
    """Version 1: there is never a moment without rules."""

    dependencies = [("fees", "0002_append_only")]

    operations = [migrations.RunPython(_ensure_default_schedule, migrations.RunPython.noop)]
