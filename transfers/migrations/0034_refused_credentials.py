from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0033_return_dates")]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="failure_class",
            field=models.CharField(
                blank=True,
                choices=[
                    ("retry", "Retry"),
                    ("renew", "Renew"),
                    ("hold", "Hold"),
                    ("stop", "Stop"),
                    ("final", "Final"),
                    ("review", "Review"),
                ],
                max_length=10,
                verbose_name="failure class",
            ),
        ),
    ]
