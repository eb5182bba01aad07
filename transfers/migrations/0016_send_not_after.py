from django.db import migrations, models


class Migration(migrations.Migration):
    """Store the latest moment of a send, what is known of closed orders, and which payments a rail failed."""

    dependencies = [("transfers", "0015_schedules_name_run_due")]

    operations = [
        migrations.AddField("attempt", "send_not_after", models.DateTimeField("send not after", null=True)),
        migrations.AddField("attempt", "unpaid_at", models.DateTimeField("unpaid at", null=True)),
        migrations.AddField("attempt", "paid_outside_at", models.DateTimeField("paid outside at", null=True)),
        migrations.AddField("disbursement", "not_before", models.DateTimeField("not before", null=True)),
        migrations.AddField("railbreaker", "failed_ids", models.JSONField("failed payments", default=list)),
        migrations.AddField(
            "railbreaker", "last_probe_id", models.BigIntegerField("last probe id", null=True)
        ),
    ]
