from hashlib import sha256
from functools import partial
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from sunusav.core.fields import ExactCharField
from sunusav.core.migration_operations import AppendOnly, LiftAppendOnly

ORDERS, RESOLUTIONS = "transfers_paymentorder", "transfers_manualresolution"
AT_ONCE = 1_000


def fill(apps: Any, schema_editor: Any) -> None:
    """Convert amounts to msat, make destinations rows, and move holds from attempts to their disbursements."""
    disbursements = apps.get_model("transfers", "Disbursement").objects
    disbursements.update(
        payout_msat=F("payout_msat") * 1_000, fee_msat=F("fee_msat") * 1_000, net_msat=F("net_msat") * 1_000,
        terms_at=F("scheduled_at"), residue_role=F("debit_role"), residue_owner=F("debit_owner"),
    )  # fmt: skip
    to_winner = Concat(Value("member:"), F("winner_ref"))
    disbursements.exclude(winner_ref="").update(residue_role="member_credit", residue_owner=to_winner)
    last = 0
    while rows := list(disbursements.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        last = rows[-1].pk
        _make_destinations(apps, rows)
        _move_holds(apps, rows)
    apps.get_model("transfers", "Attempt").objects.exclude(state="succeeded").update(payment_transaction=None)
    # The next look, half a minute later, makes them again in the rail's currency.
    apps.get_model("transfers", "RailLiquidity").objects.all().delete()


def _make_destinations(apps: Any, rows: list[Any]) -> None:
    destinations = apps.get_model("transfers", "DisbursementDestination")
    destinations.objects.bulk_create(
        destinations(
            disbursement=row, position=1, rail=row.rail, kind=row.destination_kind, value=row.destination_value,
            digest=_digest(row), set_at=row.requested_at, replaced_at=row.destination_replaced_at,
        )
        for row in rows
    )  # fmt: skip


def _digest(row: Any) -> str:
    return sha256(f"{row.rail}:{row.destination_kind}:{row.destination_value}".encode()).hexdigest()


def _move_holds(apps: Any, rows: list[Any]) -> None:
    """Take the hold of the live attempt; what is in process without one is held now."""
    attempts = apps.get_model("transfers", "Attempt").objects
    live = attempts.filter(disbursement__in=rows, state__in=("prepared", "in_flight", "succeeded"))
    holds = dict(live.values_list("disbursement_id", "hold_transaction_id"))
    for row in rows:
        if row.pk in holds:
            row.hold_transaction_id = holds[row.pk]
        elif row.state in ("processing", "needs_review", "failed") and row.net_msat is not None:
            row.hold_transaction_id = _hold(apps, row)
    apps.get_model("transfers", "Disbursement").objects.bulk_update(rows, ["hold_transaction_id"])


def _hold(apps: Any, row: Any) -> int:
    transactions, accounts, entries = (
        apps.get_model("ledger", name).objects for name in ("JournalTransaction", "Account", "JournalEntry")
    )
    posted = transactions.create(
        kind="hold", reference=f"disbursement:{row.pk}:hold", subject=row.subject, posted_at=row.requested_at
    )
    for role, owner, amount in (
        (row.debit_role, row.debit_owner, row.payout_msat),
        ("in_transit", "", -row.payout_msat),
    ):
        code = f"{role}:msat:{owner}" if owner else f"{role}:msat"
        account, _ = accounts.get_or_create(
            code=code, defaults={"role": role, "currency": "msat", "owner": owner}
        )
        entries.create(transaction=posted, account=account, currency="msat", amount=amount)
    return int(posted.pk)


def phrase_mismatches(apps: Any, schema_editor: Any) -> None:
    """Give the facts of stored mismatches their present names."""
    for row in apps.get_model("transfers", "RailMismatch").objects.iterator():
        facts = {name.removesuffix("_msat"): value for name, value in row.facts.items()}
        if facts != row.facts:
            row.facts = facts | {"currency": "msat"}
            row.save(update_fields=["facts"])


def _rename_unique(old: str, new: str, apps: Any, schema_editor: Any) -> None:
    """MySQL names a unique column's index after the column, and keeps that name when the column is renamed."""
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute(f"ALTER TABLE transfers_attempt RENAME INDEX {old} TO {new}")


def hold_field() -> Any:
    return models.OneToOneField(
        "ledger.JournalTransaction", null=True, on_delete=django.db.models.deletion.RESTRICT,
        related_name="held_by", verbose_name="hold transaction",
    )  # fmt: skip


class Migration(migrations.Migration):
    """Amounts in msat, destinations and currencies as rows, one hold per disbursement. Stop the workers first."""

    dependencies = [("transfers", "0020_liquidity"), ("ledger", "0005_conversions_in_msat")]

    operations = [
        # Constraints over columns that are renamed
        *(
            migrations.RemoveConstraint("disbursement", name)
            for name in (
                "disbursement_gross_is_net_plus_fee",
                "disbursement_net_is_positive",
                "disbursement_processing_has_net",
                "disbursement_admitted_with_its_net",
            )
        ),
        migrations.RemoveConstraint("attempt", "attempt_closed_is_booked"),
        migrations.RemoveConstraint("attempt", "attempt_success_has_proof"),
        migrations.RemoveConstraint("railliquidity", "railliquidity_amounts_known_together"),
        LiftAppendOnly(ORDERS),
        migrations.RemoveConstraint("paymentorder", "paymentorder_amount_is_positive"),
        LiftAppendOnly(RESOLUTIONS),
        migrations.RemoveConstraint("manualresolution", "manualresolution_verdict_fits_its_facts"),
        # Disbursements
        migrations.RenameField("disbursement", "payout_sats", "payout_msat"),
        migrations.RenameField("disbursement", "fee_sats", "fee_msat"),
        migrations.RenameField("disbursement", "net_sats", "net_msat"),
        migrations.AddField(
            "disbursement", "pay_xof", models.BigIntegerField(null=True, verbose_name="paid in francs")
        ),
        migrations.AddField(
            "disbursement", "residue_xof",
            models.DecimalField(decimal_places=19, max_digits=20, null=True, verbose_name="left over"),
        ),
        migrations.AddField(
            "disbursement", "conversion",
            models.OneToOneField(
                "ledger.CurrencyConversion", null=True, on_delete=django.db.models.deletion.RESTRICT,
                related_name="+", verbose_name="conversion",
            ),
        ),
        migrations.AddField(
            "disbursement", "residue_role",
            models.CharField(default="", max_length=30, verbose_name="residue role"), preserve_default=False,
        ),
        migrations.AddField(
            "disbursement", "residue_owner",
            ExactCharField(default="", max_length=120, verbose_name="residue owner"), preserve_default=False,
        ),
        migrations.AddField(
            "disbursement", "hold_from",
            models.CharField(
                choices=[("beginning", "Beginning"), ("request", "Request")], default="beginning",
                max_length=10, verbose_name="held from",
            ),
        ),
        migrations.AddField(
            "disbursement", "approved_digest",
            models.CharField(blank=True, default="", max_length=64, verbose_name="approved digest"),
            preserve_default=False,
        ),
        migrations.AddField(
            "disbursement", "terms_at", models.DateTimeField(null=True, verbose_name="terms at")
        ),
        migrations.AlterField(
            "attempt", "hold_transaction",
            models.OneToOneField(
                "ledger.JournalTransaction", null=True, on_delete=django.db.models.deletion.RESTRICT,
                related_name="+", verbose_name="hold transaction",
            ),
        ),
        migrations.AddField("disbursement", "hold_transaction", hold_field()),
        migrations.CreateModel(
            name="DisbursementDestination",
            fields=[
                ("id", models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("rail", models.CharField(max_length=30, verbose_name="rail")),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("value", models.TextField(verbose_name="value")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("set_at", models.DateTimeField(verbose_name="set at")),
                ("replaced_at", models.DateTimeField(null=True, verbose_name="replaced at")),
                ("refused_at", models.DateTimeField(null=True, verbose_name="refused at")),
                ("refusal_code", models.CharField(blank=True, max_length=80, verbose_name="refusal code")),
                ("disbursement", models.ForeignKey(
                    on_delete=django.db.models.deletion.RESTRICT, related_name="destinations",
                    to="transfers.disbursement", verbose_name="disbursement")),
            ],
            options={
                "verbose_name": "destination", "verbose_name_plural": "destinations",
                "default_permissions": ("view",),
            },
        ),
        # Orders
        migrations.RenameField("paymentorder", "amount_msat", "amount"),
        migrations.RenameField("paymentorder", "fee_limit_msat", "cost_limit"),
        migrations.AlterField("paymentorder", "cost_limit", models.BigIntegerField(verbose_name="cost limit")),
        *(
            migrations.AddField("paymentorder", name, field, preserve_default=False)
            for name, field in (
                ("currency", models.CharField(default="msat", max_length=4, verbose_name="currency")),
                ("paid_from", ExactCharField(default="node:msat", max_length=120, verbose_name="paid from")),
                ("cost_account", ExactCharField(
                    default="routing_expense:msat", max_length=120, verbose_name="cost account")),
            )
        ),
        migrations.AddConstraint(
            "paymentorder",
            models.CheckConstraint(condition=Q(amount__gt=0), name="paymentorder_amount_is_positive"),
        ),
        migrations.AddConstraint(
            "paymentorder",
            models.CheckConstraint(
                condition=Q(currency__in=["msat", "XOF"]), name="paymentorder_currency_is_known"
            ),
        ),
        AppendOnly(ORDERS),
        # Attempts, resolutions, liquidity
        migrations.RenameField("attempt", "cost_msat", "cost"),
        migrations.RenameField("attempt", "close_transaction", "payment_transaction"),
        migrations.AlterField(
            "attempt", "payment_transaction",
            models.OneToOneField(
                "ledger.JournalTransaction", null=True, on_delete=django.db.models.deletion.RESTRICT,
                related_name="paid_by", verbose_name="payment transaction",
            ),
        ),
        migrations.RunPython(
            partial(_rename_unique, "close_transaction_id", "payment_transaction_id"),
            partial(_rename_unique, "payment_transaction_id", "close_transaction_id"),
            atomic=False,
        ),
        migrations.RenameField("manualresolution", "cost_msat", "cost"),
        migrations.AddConstraint(
            "manualresolution",
            models.CheckConstraint(
                condition=Q(verdict="paid", cost__isnull=False, cost__gte=0) & ~Q(proof="")
                | Q(verdict="not_paid", proof="", cost__isnull=True),
                name="manualresolution_verdict_fits_its_facts",
            ),
        ),
        AppendOnly(RESOLUTIONS),
        migrations.RenameField("railliquidity", "total_msat", "total"),
        migrations.RenameField("railliquidity", "largest_msat", "largest"),
        migrations.AddField(
            "railliquidity", "currency",
            models.CharField(blank=True, default="", max_length=4, verbose_name="currency"),
        ),
        migrations.AddConstraint(
            "railliquidity",
            models.CheckConstraint(
                condition=Q(total=None, largest=None, known_at=None)
                | Q(
                    total__isnull=False, total__gte=0, largest__isnull=False, largest__gte=0,
                    known_at__isnull=False,
                ),
                name="railliquidity_amounts_known_together",
            ),
        ),
        migrations.AddConstraint(
            "disbursementdestination",
            models.UniqueConstraint(fields=("disbursement", "position"), name="destination_one_per_position"),
        ),
        migrations.AddConstraint(
            "disbursementdestination",
            models.CheckConstraint(condition=Q(position__in=(1, 2)), name="destination_is_first_or_second"),
        ),
        migrations.AddConstraint(
            "disbursementdestination",
            models.CheckConstraint(
                condition=Q(refused_at=None, refusal_code="")
                | (Q(refused_at__isnull=False) & ~Q(refusal_code="")),
                name="destination_refused_has_code",
            ),
        ),
        # Their rows
        migrations.RunPython(fill, migrations.RunPython.noop),
        LiftAppendOnly("transfers_railmismatch"),
        migrations.RunPython(phrase_mismatches, migrations.RunPython.noop),
        AppendOnly("transfers_railmismatch"),
    ]  # fmt: skip
