from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0002_float_minimums"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="inboundwebhook",
            index=models.Index(fields=["reference"], name="inboundwebhook_by_reference"),
        ),
    ]
