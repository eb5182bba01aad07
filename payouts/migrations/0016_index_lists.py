from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0008_index_lists"),
        ("payouts", "0015_lookups"),
        ("transfers", "0042_returned_costs"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="contribution",
            index=models.Index(fields=["user_id", "id"], name="contribution_by_user"),
        ),
        migrations.AddIndex(
            model_name="cycle",
            index=models.Index(fields=["created_at"], name="cycle_by_creation"),
        ),
        migrations.AddIndex(
            model_name="group",
            index=models.Index(fields=["name"], name="group_by_name"),
        ),
    ]
