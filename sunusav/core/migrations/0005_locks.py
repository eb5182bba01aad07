from django.db import migrations

import sunusav.core.fields


class Migration(migrations.Migration):
    """The sealers' locks become locks by name, so that other code has rows to lock in place of append-only ones."""

    dependencies = [("core", "0004_names_of_fields")]

    operations = [
        migrations.RenameModel("SealerLock", "Lock"),
        migrations.RenameField("Lock", "chain", "name"),
        migrations.AlterField(
            "Lock",
            "name",
            sunusav.core.fields.ExactCharField(
                max_length=140, primary_key=True, serialize=False, verbose_name="name"
            ),
        ),
        migrations.AlterModelOptions(
            "Lock",
            options={"default_permissions": (), "verbose_name": "lock", "verbose_name_plural": "locks"},
        ),
    ]
