from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payouts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="cycle",
            name="destination_replaced_at",
            field=models.DateTimeField(
                help_text="when, the cycle being ready, it became another payee's", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="cycle",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("destination_replaced_at__isnull", True),
                    models.Q(("destination_set_at__isnull", False), ("state", "ready")),
                    _connector="OR",
                ),
                name="cycle_destination_replaced_once_ready",
            ),
        ),
    ]
