from django.db import migrations, models
from django.db.models import F, Q

from sunusav.core.migration_operations import AppendOnly, LiftAppendOnly

TABLE = "ledger_currencyconversion"


def to_msat(apps, schema_editor):
    apps.get_model("ledger", "CurrencyConversion").objects.update(amount_msat=F("amount_msat") * 1_000)


def to_sats(apps, schema_editor):
    apps.get_model("ledger", "CurrencyConversion").objects.update(amount_msat=F("amount_msat") / 1_000)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_names_of_fields")]

    operations = [
        LiftAppendOnly(TABLE),
        migrations.RemoveConstraint("currencyconversion", "currencyconversion_amounts_not_negative"),
        migrations.RenameField("currencyconversion", "amount_sats", "amount_msat"),
        migrations.RunPython(to_msat, to_sats),
        migrations.AddConstraint(
            "currencyconversion",
            models.CheckConstraint(
                condition=Q(amount_msat__gte=0, amount_xof__gte=0),
                name="currencyconversion_amounts_not_negative",
            ),
        ),
        AppendOnly(TABLE),
    ]
