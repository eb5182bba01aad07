from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0032_issued_receipts")]

    operations = [
        migrations.AddField(
            model_name="returnclaim",
            name="returned_on",
            field=models.DateField(null=True, verbose_name="returned on"),
        ),
        migrations.AlterModelOptions(
            name="reversal",
            options={
                "default_permissions": ("view",),
                "verbose_name": "reversal of a payment",
                "verbose_name_plural": "reversals of payments",
            },
        ),
    ]
