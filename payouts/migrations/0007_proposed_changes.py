from sunusav.core.migration_operations import AppendOnly
import django.db.models.deletion
import sunusav.core.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """What one person proposes about a cycle's turn or a refund, before another approves it."""

    dependencies = [
        ("payouts", "0006_endings_and_refunds"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="cycle",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("create_cycle", "Can create a cycle"),
                    ("cancel_cycle", "Can cancel a cycle"),
                    ("close_cycle_short", "Can close a cycle short"),
                    ("exchange_winner", "Can give a cycle's turn to another member"),
                    (
                        "propose_cycle_change",
                        "Can propose to cancel a cycle, close it short or exchange its turn",
                    ),
                    (
                        "approve_cycle_change",
                        "Can approve cancelling a cycle, closing it short, exchanging its turn",
                    ),
                    ("set_destination", "Can say where a winner is paid"),
                    ("request_payout", "Can have a cycle paid out"),
                    ("schedule_payout", "Can schedule a cycle's payout"),
                    ("view_payout", "Can view payouts and their receipts"),
                    ("retry_payout", "Can retry a failed payout"),
                    ("cancel_payout", "Can cancel a payout"),
                ],
                "verbose_name": "cycle",
                "verbose_name_plural": "cycles",
            },
        ),
        migrations.CreateModel(
            name="ProposedExchange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "winner_user_id",
                    sunusav.core.fields.IdentifierField(max_length=64, verbose_name="winner user id"),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                (
                    "cycle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="proposed_exchanges",
                        to="payouts.cycle",
                        verbose_name="cycle",
                    ),
                ),
            ],
            options={
                "verbose_name": "proposed exchange of a turn",
                "verbose_name_plural": "proposed exchanges of turns",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ProposedRefund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_id", sunusav.core.fields.IdentifierField(max_length=64, verbose_name="user id")),
                ("amount_sats", models.BigIntegerField(verbose_name="amount")),
                ("rail", models.CharField(max_length=30, verbose_name="rail")),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("sealed_value", models.BinaryField(verbose_name="sealed destination")),
                (
                    "digest",
                    sunusav.core.fields.ExactCharField(
                        max_length=64, verbose_name="digest of the destination"
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
            ],
            options={
                "verbose_name": "proposed refund",
                "verbose_name_plural": "proposed refunds",
                "permissions": [
                    ("propose_refund", "Can propose that a member's credit is paid out"),
                    ("approve_refund", "Can approve that a member's credit is paid out"),
                ],
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_sats__gt", 0)), name="proposedrefund_amount_is_positive"
                    )
                ],
            },
        ),
        AppendOnly("payouts_refund"),
        AppendOnly("payouts_proposedexchange"),
        AppendOnly("payouts_proposedrefund"),
    ]
