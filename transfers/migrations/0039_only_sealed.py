from importlib import import_module
from typing import Any

from django.db import migrations, models
from django.db.models import Q

from sunusav.core.fields import ExactCharField
from sunusav.core.migration_operations import AppendOnly

UNREDEEMED = ("open", "expired", "revoked")


def removed(model: str, name: str, field: Any) -> list[Any]:
    """Remove a column; it has a default first, with which it comes back."""
    return [migrations.AlterField(model, name, field), migrations.RemoveField(model, name)]


def seal_what_came_since(apps: Any, schema_editor: Any) -> None:
    """Encrypt what a process of the version before wrote in clear since; nothing is dropped while any of it is left."""
    import_module("transfers.migrations.0038_seal_destinations").seal(apps, schema_editor)
    left = {
        name: apps.get_model("transfers", name)
        .objects.filter(**{sealed: None})
        .exclude(**{clear: ""})
        .count()
        for name, sealed, clear in (
            ("DisbursementDestination", "sealed_value", "value"),
            ("PaymentOrder", "sealed_payload", "payload"),
            ("WithdrawalLink", "sealed_destination", "destination_value"),
        )
    }
    if any(left.values()):
        raise RuntimeError(f"Rows in clear are left: {left}. Stop every process of ours, and migrate again.")


class Migration(migrations.Migration):
    """Drop what is encrypted now, and require what was filled. Every process of ours is stopped meanwhile."""

    dependencies = [("transfers", "0038_seal_destinations")]

    operations = [
        migrations.RunPython(seal_what_came_since, migrations.RunPython.noop),
        *removed("disbursementdestination", "value", models.TextField(default="", verbose_name="value")),
        *removed("paymentorder", "payload", models.TextField(default="", verbose_name="payload")),
        *removed("paymentorder", "payee", ExactCharField(default="", max_length=120, verbose_name="payee")),
        migrations.RemoveField("withdrawallink", "destination_value"),
        migrations.AlterField(
            "disbursement", "person_ref",
            ExactCharField(
                max_length=120, verbose_name="person ref",
                help_text="under whose key destinations and orders are encrypted",
            ),
        ),
        migrations.AlterField(
            "disbursementdestination", "sealed_value", models.BinaryField(verbose_name="sealed destination")
        ),
        migrations.AlterField(
            "paymentorder", "sealed_payload", models.BinaryField(verbose_name="sealed payload")
        ),
        migrations.AlterField(
            "paymentorder", "payee_digest", models.CharField(max_length=64, verbose_name="digest of the payee")
        ),
        migrations.AlterField(
            "withdrawallink", "person_ref",
            ExactCharField(
                max_length=120, verbose_name="person ref",
                help_text="under whose key the destination is encrypted",
            ),
        ),
        migrations.AddConstraint(
            "withdrawallink",
            models.CheckConstraint(
                condition=Q(
                    state__in=UNREDEEMED, redeemed_at=None, destination_kind="", sealed_destination=None
                )
                | (
                    ~Q(state__in=UNREDEEMED)
                    & Q(redeemed_at__isnull=False)
                    & ~Q(destination_kind="")
                    & Q(sealed_destination__isnull=False)
                ),
                name="withdrawallink_redeemed_has_destination",
            ),
        ),
        AppendOnly("transfers_paymentorder"),
    ]  # fmt: skip
