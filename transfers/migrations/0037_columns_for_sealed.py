from django.db import migrations, models

from sunusav.core.fields import ExactCharField
from sunusav.core.migration_operations import LiftAppendOnly


class Migration(migrations.Migration):
    """Columns for what the next migration encrypts. Stop every process of ours first, web included."""

    dependencies = [("transfers", "0036_provider_switches")]

    operations = [
        LiftAppendOnly("transfers_paymentorder"),
        migrations.RemoveConstraint("withdrawallink", "withdrawallink_redeemed_has_destination"),
        migrations.AddField(
            "disbursement", "person_ref",
            ExactCharField(
                default="", max_length=120, verbose_name="person ref",
                help_text="under whose key destinations and orders are encrypted",
            ),
        ),
        migrations.AddField(
            "disbursementdestination", "sealed_value",
            models.BinaryField(null=True, verbose_name="sealed destination"),
        ),
        migrations.AddField(
            "paymentorder", "sealed_payload", models.BinaryField(null=True, verbose_name="sealed payload")
        ),
        migrations.AddField(
            "paymentorder", "payee_digest",
            models.CharField(default="", max_length=64, verbose_name="digest of the payee"),
        ),
        migrations.AddField(
            "withdrawallink", "person_ref",
            ExactCharField(
                default="", max_length=120, verbose_name="person ref",
                help_text="under whose key the destination is encrypted",
            ),
        ),
        migrations.AddField(
            "withdrawallink", "sealed_destination",
            models.BinaryField(null=True, verbose_name="sealed destination"),
        ),
    ]  # fmt: skip
