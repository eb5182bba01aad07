from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0016_saved_filters")]

    operations = [
        migrations.AddIndex("proposal", models.Index(fields=["subject_id"], name="proposal_by_subject")),
        migrations.AddIndex("proposal", models.Index(fields=["kind"], name="proposal_by_kind")),
        migrations.AddIndex("proposal", models.Index(fields=["state"], name="proposal_by_state")),
        migrations.AddIndex("proposal", models.Index(fields=["proposed_at"], name="proposal_by_moment")),
        migrations.AddIndex("proposal", models.Index(fields=["decided_at"], name="proposal_by_decision")),
    ]
