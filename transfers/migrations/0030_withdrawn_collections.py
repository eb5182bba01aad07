from django.db import migrations, models


class Migration(migrations.Migration):
    """A request whose subject has ended is withdrawn."""

    dependencies = [
        ("ledger", "0007_payment_losses"),
        ("transfers", "0029_retried_admissions"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="collection",
            name="collection_open_has_reference",
        ),
        migrations.RemoveConstraint(
            model_name="collection",
            name="collection_parts_credited_at_its_end",
        ),
        migrations.AlterField(
            model_name="collection",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("open", "Open"),
                    ("partial", "Partial"),
                    ("settled", "Settled"),
                    ("expired", "Expired"),
                    ("cancelled", "Cancelled"),
                    ("withdrawn", "Withdrawn"),
                ],
                default="pending",
                max_length=12,
                verbose_name="state",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("parts_transaction", None),
                    models.Q(("received__gt", 0), ("state__in", ("expired", "cancelled", "withdrawn"))),
                    _connector="OR",
                ),
                name="collection_parts_credited_at_its_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("pending", "cancelled", "withdrawn")),
                    ("reference__isnull", False),
                    _connector="OR",
                ),
                name="collection_open_has_reference",
            ),
        ),
    ]
