from django.db import migrations, models


class Migration(migrations.Migration):
    """After a retry by a person, a payment counts again for its payee's day."""

    dependencies = [("transfers", "0028_resolutions")]

    operations = [
        migrations.AddField(
            model_name="pastadmission",
            name="retried_at",
            field=models.DateTimeField(null=True, verbose_name="retried at"),
        ),
    ]
