from django.db import migrations

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    """The books, their seals, the rates and what was converted at them are facts: no update and no delete, by any interface."""

    dependencies = [("ledger", "0001_initial")]

    operations = [
        AppendOnly("ledger_account"),
        AppendOnly("ledger_journaltransaction"),
        AppendOnly("ledger_journalentry"),
        AppendOnly("ledger_ledgerseal"),
        AppendOnly("ledger_exchangerate"),
        AppendOnly("ledger_manualraterequest"),
        AppendOnly("ledger_currencyconversion"),
    ]
