"""Collections in either currency, with what is credited for them; receipts with what each payment did."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

import sunusav.core.fields
from sunusav.core.migration_operations import AppendOnly, LiftAppendOnly

CURRENCIES = ["msat", "XOF"]
CHOICES = [("msat", "msat"), ("XOF", "XOF")]
BOTH_IN_SATS = Q(currency="msat", due_currency="msat")
NEVER_DUE = ("expired", "cancelled")
BATCH = 500


def name_uses(apps: Any, schema_editor: Any) -> None:
    """Store what is due, and what each payment did: the first one completed its request, all others were extra.

    Until now there was only Lightning, whose node accepts nothing below an invoice's amount.
    """
    collections, receipts = (apps.get_model("transfers", name) for name in ("Collection", "Receipt"))
    part = collections.objects.filter(state="partial").first()
    if part is not None:
        raise RuntimeError(
            f"collection {part.pk} is paid in part, which no version before could be: look at its receipts first"
        )
    collections.objects.update(due=F("amount"))
    last = 0
    while page := list(
        receipts.objects.filter(pk__gt=last).select_related("collection").order_by("pk")[:BATCH]
    ):
        for row in page:
            is_first = not receipts.objects.filter(collection_id=row.collection_id, pk__lt=row.pk).exists()
            is_complete = is_first and row.collection.state not in NEVER_DUE
            receipts.objects.filter(pk=row.pk).update(use="complete" if is_complete else "extra")
        last = page[-1].pk


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_conversions_in_msat"), ("transfers", "0025_treasury_movements")]

    operations = [
        LiftAppendOnly("transfers_receipt"),
        migrations.RemoveConstraint(model_name="collection", name="collection_reference_used_once"),
        migrations.RemoveConstraint(model_name="collection", name="collection_amount_is_positive"),
        migrations.RemoveConstraint(model_name="collection", name="collection_settled_is_paid_in_full"),
        migrations.RemoveConstraint(model_name="receipt", name="receipt_payment_counts_once"),
        migrations.RemoveConstraint(model_name="receipt", name="receipt_amount_is_positive"),
        migrations.RenameField(model_name="collection", old_name="amount_msat", new_name="amount"),
        migrations.RenameField(model_name="collection", old_name="received_msat", new_name="received"),
        migrations.RenameField(model_name="receipt", old_name="received_msat", new_name="received"),
        migrations.AddField(
            model_name="collection",
            name="currency",
            field=models.CharField(choices=CHOICES, default="msat", max_length=4, verbose_name="currency"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="collection",
            name="due_currency",
            field=models.CharField(
                choices=CHOICES, default="msat", max_length=4, verbose_name="due currency"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="collection",
            name="due",
            field=models.BigIntegerField(default=0, verbose_name="due"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="collection",
            name="conversion",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="collection",
                to="ledger.currencyconversion",
                verbose_name="conversion",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="rate",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="collections",
                to="ledger.exchangerate",
                verbose_name="rate",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="account_role",
            field=models.CharField(default="node", max_length=30, verbose_name="account role"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="collection",
            name="account_owner",
            field=sunusav.core.fields.ExactCharField(
                blank=True, default="", max_length=120, verbose_name="account owner"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="collection",
            name="sealed_phone",
            field=models.BinaryField(
                help_text="encrypted under the key of the payer, who owns the credit",
                null=True,
                verbose_name="sealed phone",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="parts_transaction",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="ended_collection",
                to="ledger.journaltransaction",
                verbose_name="parts credited by",
            ),
        ),
        migrations.AlterField(
            model_name="collection",
            name="trouble",
            field=models.CharField(
                blank=True,
                choices=[("answered_elsewhere", "Answered Elsewhere")],
                max_length=30,
                verbose_name="trouble",
            ),
        ),
        migrations.AddField(
            model_name="receipt",
            name="method",
            field=models.CharField(default="lightning", max_length=30, verbose_name="method"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="receipt",
            name="use",
            field=models.CharField(
                choices=[("part", "Part"), ("complete", "Complete"), ("extra", "Extra")],
                default="extra",
                max_length=10,
                verbose_name="use",
            ),
            preserve_default=False,
        ),
        migrations.RunPython(name_uses, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.UniqueConstraint(
                fields=("reference", "method"), name="collection_reference_used_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=Q(amount__gt=0), name="collection_amount_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(condition=Q(due__gt=0), name="collection_due_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=Q(currency__in=CURRENCIES, due_currency__in=CURRENCIES),
                name="collection_currency_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=Q(currency=F("due_currency"), amount=F("due"), conversion=None)
                | (~Q(currency=F("due_currency")) & Q(conversion__isnull=False)),
                name="collection_due_is_asked_or_converted",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=(BOTH_IN_SATS & Q(rate=None)) | (~BOTH_IN_SATS & Q(rate__isnull=False)),
                name="collection_francs_have_rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=~Q(state="settled") | Q(received__gte=F("amount"), settled_at__isnull=False),
                name="collection_settled_is_paid_in_full",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=~Q(state="partial") | Q(received__gt=0, received__lt=F("amount")),
                name="collection_partial_is_paid_in_part",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=Q(parts_transaction=None) | Q(state__in=("expired", "cancelled"), received__gt=0),
                name="collection_parts_credited_at_its_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="receipt",
            constraint=models.UniqueConstraint(
                fields=("reference", "method"), name="receipt_payment_counts_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="receipt",
            constraint=models.CheckConstraint(condition=Q(received__gt=0), name="receipt_amount_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="receipt",
            constraint=models.CheckConstraint(
                condition=Q(use__in=["part", "complete", "extra"]), name="receipt_use_is_known"
            ),
        ),
        AppendOnly("transfers_receipt"),
    ]
