from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0009_lookup_tokens"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(fields=["subject", "id"], name="outbox_by_subject"),
        ),
        migrations.AddIndex(
            model_name="trailentry",
            index=models.Index(fields=["at"], name="trail_by_moment"),
        ),
    ]
