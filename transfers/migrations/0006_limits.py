from datetime import UTC, datetime
from typing import Any

import django.db.models.deletion
import sunusav.core.fields
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Concat
from sunusav.core.migration_operations import AppendOnly

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Limits are rows; these are in force until two people set others.
FIRST_LIMITS_SATS = {
    "per_payout": 10_000_000,
    "per_payee_day": 20_000_000,
    "total_hour": 100_000_000,
    "replaced_destination": 10_000,
}


def put_first_limits_in_force(apps: Any, schema_editor: Any) -> None:
    """Insert version 1 of each limit that has none: there is never a moment without them."""
    limits = apps.get_model("transfers", "PaymentLimit").objects
    for kind, amount_sats in FIRST_LIMITS_SATS.items():
        limits.get_or_create(kind=kind, version=1, defaults={"amount_sats": amount_sats, "set_at": EPOCH})


def name_payees(apps: Any, schema_editor: Any) -> None:
    """Say of every order so far who is paid: the winner, where there is one."""
    disbursements = apps.get_model("transfers", "Disbursement").objects.filter(payee_ref="")
    disbursements.exclude(winner_ref="").update(payee_ref=Concat(Value("user:"), F("winner_ref")))
    disbursements.filter(winner_ref="").update(payee_ref=F("subject"))


class Migration(migrations.Migration):
    """Limits of outgoing money, what counts against them, and the breakers of rails."""

    dependencies = [
        ("core", "0003_trail_lock"),
        ("fees", "0003_default_schedule"),
        ("transfers", "0005_manual_resolution"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LimitUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("per_payout", "Per Payout"),
                            ("per_payee_day", "Per Payee Day"),
                            ("total_hour", "Total Hour"),
                            ("replaced_destination", "Replaced Destination"),
                        ],
                        max_length=20,
                    ),
                ),
                ("key", sunusav.core.fields.ExactCharField(max_length=140)),
                ("used_msat", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "limit usage",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PaymentLimit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("per_payout", "Per Payout"),
                            ("per_payee_day", "Per Payee Day"),
                            ("total_hour", "Total Hour"),
                            ("replaced_destination", "Replaced Destination"),
                        ],
                        max_length=20,
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("amount_sats", models.BigIntegerField()),
                ("set_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "payment limit",
                "permissions": [
                    ("propose_payment_limit", "Can propose a limit of outgoing money"),
                    ("approve_payment_limit", "Can approve a limit that somebody else proposed"),
                    ("propose_payment_exception", "Can propose that a payment passes the limits"),
                    ("approve_payment_exception", "Can approve that a payment passes the limits"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PaymentLimitRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("per_payout", "Per Payout"),
                            ("per_payee_day", "Per Payee Day"),
                            ("total_hour", "Total Hour"),
                            ("replaced_destination", "Replaced Destination"),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount_sats", models.BigIntegerField()),
                ("reason", models.CharField(max_length=500)),
                ("requested_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "payment limit request",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="RailBreaker",
            fields=[
                ("rail", models.CharField(max_length=30, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("closed", "Closed"), ("open", "Open"), ("half_open", "Half Open")],
                        default="closed",
                        max_length=10,
                    ),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, help_text="in a row, since it last paid"),
                ),
                ("wait_seconds", models.PositiveIntegerField(default=0)),
                ("retry_at", models.DateTimeField(null=True)),
                ("probe_id", models.BigIntegerField(null=True)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "rail breaker",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="disbursement",
            name="admitted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="disbursement",
            name="admitted_by_version",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="disbursement",
            name="destination_replaced_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="disbursement",
            name="excepted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="disbursement",
            name="payee_ref",
            field=sunusav.core.fields.ExactCharField(
                blank=True, help_text="who is paid, as limits count", max_length=120
            ),
        ),
        migrations.AddIndex(
            model_name="disbursement",
            index=models.Index(fields=["admitted_at"], name="disbursement_by_admission"),
        ),
        migrations.AddConstraint(
            model_name="disbursement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("admitted_at__isnull", True), ("admitted_by_version__isnull", True)),
                    models.Q(("admitted_at__isnull", False), ("net_sats__isnull", False)),
                    _connector="OR",
                ),
                name="disbursement_admitted_with_its_net",
            ),
        ),
        migrations.AddConstraint(
            model_name="limitusage",
            constraint=models.UniqueConstraint(fields=("kind", "key"), name="limitusage_one_row_per_key"),
        ),
        migrations.AddConstraint(
            model_name="limitusage",
            constraint=models.CheckConstraint(
                condition=models.Q(("used_msat__gt", 0)), name="limitusage_is_positive"
            ),
        ),
        migrations.AddField(
            model_name="paymentlimit",
            name="approver",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="paymentlimit",
            name="proposal",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.RESTRICT, related_name="+", to="core.proposal"
            ),
        ),
        migrations.AddField(
            model_name="paymentlimit",
            name="proposer",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="paymentlimitrequest",
            name="requested_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.RESTRICT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="paymentlimit",
            name="request",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="set_as",
                to="transfers.paymentlimitrequest",
            ),
        ),
        migrations.AddConstraint(
            model_name="railbreaker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("probe_id__isnull", True), ("retry_at__isnull", True), ("state", "closed")),
                    models.Q(("probe_id__isnull", True), ("retry_at__isnull", False), ("state", "open")),
                    models.Q(
                        ("probe_id__isnull", False), ("retry_at__isnull", False), ("state", "half_open")
                    ),
                    _connector="OR",
                ),
                name="railbreaker_stopped_is_tried_again",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentlimitrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_sats__gt", 0),
                    models.Q(("amount_sats", 0), ("kind", "replaced_destination")),
                    _connector="OR",
                ),
                name="paymentlimitrequest_amount_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentlimitrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="paymentlimitrequest_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentlimit",
            constraint=models.UniqueConstraint(
                fields=("kind", "version"), name="paymentlimit_version_once_per_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_sats__gt", 0),
                    models.Q(("amount_sats", 0), ("kind", "replaced_destination")),
                    _connector="OR",
                ),
                name="paymentlimit_amount_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("approver__isnull", True),
                        ("proposal__isnull", True),
                        ("proposer__isnull", True),
                        ("request__isnull", True),
                        ("version", 1),
                    ),
                    models.Q(
                        ("approver__isnull", False),
                        ("proposal__isnull", False),
                        ("proposer__isnull", False),
                        ("request__isnull", False),
                        ("version__gt", 1),
                        models.Q(("proposer", models.F("approver")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="paymentlimit_set_by_two_people",
            ),
        ),
        AppendOnly("transfers_paymentlimitrequest"),
        AppendOnly("transfers_paymentlimit"),
        migrations.RunPython(put_first_limits_in_force, migrations.RunPython.noop),
        migrations.RunPython(name_payees, migrations.RunPython.noop),
    ]
