from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payouts", "0017_proposed_destinations")]

    operations = [
        migrations.AddIndex(
            "proposedrefund", models.Index(fields=["user_id"], name="proposedrefund_by_user")
        ),
    ]
