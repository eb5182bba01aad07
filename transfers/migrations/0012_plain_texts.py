from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transfers", "0011_plain_names"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="collection",
            options={
                "default_permissions": ("view",),
                "permissions": [("cancel_collection", "Can cancel a collection")],
                "verbose_name": "collection",
            },
        ),
        migrations.AlterModelOptions(
            name="manualresolution",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("propose_resolution", "Can propose the resolution of an unknown outcome"),
                    ("approve_resolution", "Can approve the resolution of an unknown outcome"),
                    ("query_provider", "Can have a provider queried now"),
                ],
                "verbose_name": "manual resolution",
            },
        ),
        migrations.AlterModelOptions(
            name="paymentlimit",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("propose_payment_limit", "Can propose a limit of outgoing money"),
                    ("approve_payment_limit", "Can approve a limit that another person proposed"),
                    ("propose_payment_exception", "Can propose a waiver of the limits for a payment"),
                    ("approve_payment_exception", "Can approve a waiver of the limits for a payment"),
                ],
                "verbose_name": "payment limit",
            },
        ),
        migrations.AlterField(
            model_name="attempt",
            name="verdict",
            field=models.CharField(blank=True, help_text="which send the provider refused", max_length=60),
        ),
        migrations.AlterField(
            model_name="collection",
            name="ask_at",
            field=models.DateTimeField(
                help_text="when to query the collector next; null: not needed", null=True
            ),
        ),
        migrations.AlterField(
            model_name="collection",
            name="source",
            field=models.CharField(blank=True, help_text="the node or account that opened it", max_length=66),
        ),
        migrations.AlterField(
            model_name="withdrawallink",
            name="take_at",
            field=models.DateTimeField(
                help_text="when to request its disbursement next; null: not needed", null=True
            ),
        ),
    ]
