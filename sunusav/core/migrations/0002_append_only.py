from django.db import migrations

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    """The trail, its seals and approvals are facts: no update, no delete, by any door."""

    dependencies = [("core", "0001_initial")]

    operations = [
        AppendOnly("core_trailentry"),
        AppendOnly("core_trailseal"),
        AppendOnly("core_approval"),
    ]
