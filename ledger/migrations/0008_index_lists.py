from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0007_payment_losses"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="currencyconversion",
            index=models.Index(fields=["converted_at"], name="currencyconversion_by_moment"),
        ),
        migrations.AddIndex(
            model_name="exchangerate",
            index=models.Index(fields=["observed_at"], name="rate_by_moment"),
        ),
        migrations.AddIndex(
            model_name="journaltransaction",
            index=models.Index(fields=["posted_at"], name="journal_by_posting"),
        ),
    ]
