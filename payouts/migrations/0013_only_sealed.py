from importlib import import_module
from typing import Any

from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly


def seal_what_came_since(apps: Any, schema_editor: Any) -> None:
    """Encrypt what a process of the version before wrote in clear since; nothing is dropped while any of it is left."""
    import_module("payouts.migrations.0012_seal_destinations").seal(apps, schema_editor)
    cycles = apps.get_model("payouts", "Cycle").objects
    left = cycles.filter(sealed_destination=None).exclude(destination_value="").count()
    left += cycles.filter(sealed_second=None).exclude(second_value="").count()
    if left:
        raise RuntimeError(
            f"{left} destinations in clear are left. Stop every process of ours, and migrate again."
        )


class Migration(migrations.Migration):
    """Drop what is encrypted now. Every process of ours is stopped meanwhile."""

    dependencies = [("payouts", "0012_seal_destinations")]

    operations = [
        migrations.RunPython(seal_what_came_since, migrations.RunPython.noop),
        migrations.RemoveField("cycle", "destination_value"),
        migrations.RemoveField("cycle", "second_value"),
        migrations.AddConstraint(
            "cycle",
            models.CheckConstraint(
                condition=Q(
                    destination_rail="", destination_kind="", sealed_destination=None, destination_set_at=None
                )
                | (
                    ~Q(destination_rail="")
                    & ~Q(destination_kind="")
                    & Q(sealed_destination__isnull=False)
                    & Q(destination_set_at__isnull=False)
                ),
                name="cycle_destination_is_whole",
            ),
        ),
        migrations.AddConstraint(
            "cycle",
            models.CheckConstraint(
                condition=Q(second_rail="", second_kind="", sealed_second=None, second_replaced_at=None)
                | (
                    ~Q(second_rail="")
                    & ~Q(second_kind="")
                    & Q(sealed_second__isnull=False)
                    & ~Q(destination_rail="")
                ),
                name="cycle_second_choice_is_whole",
            ),
        ),
        AppendOnly("payouts_proposedrefund"),
    ]  # fmt: skip
