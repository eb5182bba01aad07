from django.db import migrations, models

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    """Whom an order was made for. SQLite rebuilds the table for it, and so loses its triggers: they come again."""

    dependencies = [
        ("transfers", "0007_withdrawal_links"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentorder",
            name="destination_digest",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="paymentorder",
            name="is_renewable",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="failure_class",
            field=models.CharField(
                blank=True,
                choices=[
                    ("retry", "Retry"),
                    ("renew", "Renew"),
                    ("hold", "Hold"),
                    ("final", "Final"),
                    ("review", "Review"),
                ],
                max_length=10,
            ),
        ),
        AppendOnly("transfers_paymentorder"),
    ]
