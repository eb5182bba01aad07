from django.db import migrations

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    """Orders and receipts are facts: no update, no delete, by any door."""

    dependencies = [("transfers", "0001_initial")]

    operations = [AppendOnly("transfers_paymentorder"), AppendOnly("transfers_receipt")]
