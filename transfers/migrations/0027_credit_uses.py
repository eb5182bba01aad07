import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import sunusav.core.fields


class Migration(migrations.Migration):
    """Members' credit that was used, and returned since."""

    dependencies = [("ledger", "0005_conversions_in_msat"), ("transfers", "0026_collections_in_francs")]

    operations = [
        migrations.CreateModel(
            name="CreditUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner", sunusav.core.fields.ExactCharField(max_length=80, verbose_name="owner")),
                ("subject", sunusav.core.fields.ExactCharField(max_length=120, verbose_name="subject")),
                ("amount_msat", models.BigIntegerField(verbose_name="amount")),
                ("into_role", models.CharField(max_length=30, verbose_name="into role")),
                (
                    "into_owner",
                    sunusav.core.fields.ExactCharField(blank=True, max_length=120, verbose_name="into owner"),
                ),
                ("used_at", models.DateTimeField(verbose_name="used at")),
                (
                    "transaction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="credit_use",
                        to="ledger.journaltransaction",
                        verbose_name="transaction",
                    ),
                ),
                ("returned_at", models.DateTimeField(null=True, verbose_name="returned at")),
                (
                    "return_transaction",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="returned_credit_use",
                        to="ledger.journaltransaction",
                        verbose_name="return transaction",
                    ),
                ),
                (
                    "live_subject",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(returned_at__isnull=True, then=models.F("subject")),
                            default=models.Value(None),
                            output_field=sunusav.core.fields.ExactCharField(max_length=120, null=True),
                        ),
                        output_field=sunusav.core.fields.ExactCharField(max_length=120, null=True),
                    ),
                ),
            ],
            options={
                "verbose_name": "use of credit",
                "verbose_name_plural": "uses of credit",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["subject", "id"], name="credituse_by_subject")],
                "constraints": [
                    models.UniqueConstraint(fields=("live_subject",), name="credituse_one_live_per_subject"),
                    models.CheckConstraint(
                        condition=Q(amount_msat__gt=0), name="credituse_amount_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=Q(returned_at=None, return_transaction=None)
                        | Q(returned_at__isnull=False, return_transaction__isnull=False),
                        name="credituse_returned_is_booked",
                    ),
                ],
            },
        ),
    ]
