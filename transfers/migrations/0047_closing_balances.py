import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("transfers", "0046_statements"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClosingBalance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("closing_xof", models.BigIntegerField(verbose_name="closing balance")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recorded by",
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="closing_balances",
                        to="transfers.statementimport",
                        verbose_name="imported statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "closing balance",
                "verbose_name_plural": "closing balances",
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            "treasurymovement", models.Index(fields=["happened_on"], name="treasurymovement_by_day")
        ),
        AppendOnly("transfers_closingbalance"),
    ]
