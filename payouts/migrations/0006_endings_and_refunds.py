import django.db.models.deletion
import sunusav.core.fields
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F
from django.db import migrations, models


def count_settled(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Count all members: a cycle could only become ready with the contributions of each."""
    Cycle = apps.get_model("payouts", "Cycle")
    Cycle.objects.filter(state="ready").update(settled_count=F("members_count"))


class Migration(migrations.Migration):
    """Cycles may be cancelled or closed short, turns exchanged, and credit refunded."""

    dependencies = [
        ("ledger", "0007_payment_losses"),
        ("payouts", "0005_reopening"),
    ]

    operations = [
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_id", sunusav.core.fields.IdentifierField(max_length=64, verbose_name="user id")),
                ("amount_sats", models.BigIntegerField(verbose_name="amount")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("requested_by", models.CharField(max_length=150, verbose_name="requested by")),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "permissions": [
                    ("request_refund", "Can have a member's credit paid out"),
                    ("cancel_refund", "Can cancel a refund"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.AlterModelOptions(
            name="cycle",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("create_cycle", "Can create a cycle"),
                    ("cancel_cycle", "Can cancel a cycle"),
                    ("close_cycle_short", "Can close a cycle short"),
                    ("exchange_winner", "Can give a cycle's turn to another member"),
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
        migrations.RemoveConstraint(
            model_name="cycle",
            name="cycle_ready_has_moment",
        ),
        migrations.RemoveConstraint(
            model_name="cycle",
            name="cycle_destination_replaced_once_ready",
        ),
        migrations.AddField(
            model_name="contribution",
            name="return_transaction",
            field=models.OneToOneField(
                help_text="made it the member's credit when the cycle was cancelled",
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="returned_contribution",
                to="ledger.journaltransaction",
                verbose_name="returned by",
            ),
        ),
        migrations.AddField(
            model_name="cycle",
            name="cancelled_at",
            field=models.DateTimeField(null=True, verbose_name="cancelled at"),
        ),
        migrations.AddField(
            model_name="cycle",
            name="settled_count",
            field=models.PositiveIntegerField(
                help_text="when it stopped collecting: fewer than its members, if it was closed short or cancelled",
                null=True,
                verbose_name="contributions settled",
            ),
        ),
        migrations.AddField(
            model_name="cycle",
            name="winner_replaced_at",
            field=models.DateTimeField(
                help_text="when, the cycle being ready, its turn was exchanged",
                null=True,
                verbose_name="winner replaced at",
            ),
        ),
        migrations.AlterField(
            model_name="cycle",
            name="state",
            field=models.CharField(
                choices=[("collecting", "Collecting"), ("ready", "Ready"), ("cancelled", "Cancelled")],
                default="collecting",
                max_length=12,
                verbose_name="state",
            ),
        ),
        migrations.RunPython(count_settled, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="cycle",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("cancelled_at", None),
                        ("ready_at", None),
                        ("settled_count", None),
                        ("state", "collecting"),
                    ),
                    models.Q(
                        ("cancelled_at", None),
                        ("ready_at__isnull", False),
                        ("settled_count__gt", 0),
                        ("settled_count__isnull", False),
                        ("state", "ready"),
                    ),
                    models.Q(
                        ("cancelled_at__isnull", False),
                        ("settled_count__isnull", False),
                        ("state", "cancelled"),
                    ),
                    _connector="OR",
                ),
                name="cycle_state_has_its_moments",
            ),
        ),
        migrations.AddConstraint(
            model_name="cycle",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("settled_count", None),
                    ("settled_count__lte", models.F("members_count")),
                    _connector="OR",
                ),
                name="cycle_settled_are_members",
            ),
        ),
        migrations.AddConstraint(
            model_name="cycle",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("winner_replaced_at", None), ("ready_at__isnull", False), _connector="OR"
                ),
                name="cycle_winner_replaced_once_ready",
            ),
        ),
        migrations.AddConstraint(
            model_name="cycle",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("destination_replaced_at__isnull", True),
                    models.Q(("destination_set_at__isnull", False), ("ready_at__isnull", False)),
                    _connector="OR",
                ),
                name="cycle_destination_replaced_once_ready",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["user_id", "id"], name="refund_by_user"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_sats__gt", 0)), name="refund_amount_is_positive"
            ),
        ),
    ]
