from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0005_locks"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="discountgrant",
            index=models.Index(fields=["starts_at"], name="discountgrant_by_start"),
        ),
    ]
