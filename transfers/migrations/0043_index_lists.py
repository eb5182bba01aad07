from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0006_index_lists"),
        ("ledger", "0008_index_lists"),
        ("transfers", "0042_returned_costs"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="collection",
            index=models.Index(fields=["requested_at"], name="collection_by_request"),
        ),
        migrations.AddIndex(
            model_name="collection",
            index=models.Index(fields=["state", "requested_at"], name="collection_by_state"),
        ),
        migrations.AddIndex(
            model_name="credituse",
            index=models.Index(fields=["used_at"], name="credituse_by_moment"),
        ),
        migrations.AddIndex(
            model_name="disbursement",
            index=models.Index(fields=["requested_at"], name="disbursement_by_request"),
        ),
        migrations.AddIndex(
            model_name="disbursement",
            index=models.Index(fields=["payout_msat"], name="disbursement_by_amount"),
        ),
        migrations.AddIndex(
            model_name="issuedreceipt",
            index=models.Index(fields=["issued_at"], name="issuedreceipt_by_moment"),
        ),
        migrations.AddIndex(
            model_name="railmatch",
            index=models.Index(fields=["started_at"], name="railmatch_by_start"),
        ),
        migrations.AddIndex(
            model_name="railmismatch",
            index=models.Index(fields=["reference"], name="railmismatch_by_reference"),
        ),
        migrations.AddIndex(
            model_name="receipt",
            index=models.Index(fields=["received_at"], name="receipt_by_arrival"),
        ),
        migrations.AddIndex(
            model_name="withdrawallink",
            index=models.Index(fields=["opened_at"], name="withdrawallink_by_opening"),
        ),
    ]
