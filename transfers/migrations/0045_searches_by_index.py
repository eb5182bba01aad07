from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0044_disbursement_by_reason")]

    operations = [
        migrations.AddIndex(
            "credittransferrequest", models.Index(fields=["to_owner"], name="credittransfer_by_recipient")
        ),
        migrations.AddIndex(
            "returnclaim", models.Index(fields=["reference"], name="returnclaim_by_reference")
        ),
    ]
