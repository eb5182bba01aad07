from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from sunusav.core.migration_operations import AppendOnly


def _attempt_while(**condition: Any) -> models.GeneratedField:
    """Return a stored generated column: the attempt while the condition holds."""
    kept = models.When(**condition, then=models.F("attempt_id"))
    kind = models.BigIntegerField(null=True)
    expression = models.Case(kept, default=models.Value(None), output_field=models.BigIntegerField(null=True))
    return models.GeneratedField(expression=expression, output_field=kind, db_persist=True)


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0007_payment_losses"),
        ("transfers", "0027_credit_uses"),
    ]

    operations = [
        # Answers: a payment that is left in flight
        migrations.RemoveConstraint("provideranswer", "provideranswer_kind_is_known"),
        migrations.AlterField(
            "provideranswer", "kind",
            models.CharField(
                choices=[
                    ("in_flight", "In Flight"),
                    ("stuck", "Stuck"),
                    ("contradicts", "Contradicts"),
                    ("paid_earlier", "Paid Earlier"),
                    ("too_late", "Too Late"),
                    ("not_seen", "Not Seen"),
                    ("refused", "Refused"),
                    ("unclear", "Unclear"),
                    ("away", "Away"),
                ],
                max_length=12, verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            "provideranswer",
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "in_flight", "stuck", "contradicts", "paid_earlier", "too_late", "not_seen", "refused", "unclear",
                        "away",
                    ]
                ),
                name="provideranswer_kind_is_known",
            ),
        ),
        AppendOnly("transfers_provideranswer"),
        # Resolutions: a payment outside the books is written off
        migrations.RemoveConstraint("manualresolution", "manualresolution_verdict_fits_its_facts"),
        migrations.AlterField(
            "manualresolution", "verdict",
            models.CharField(
                choices=[("paid", "Paid"), ("not_paid", "Not Paid"), ("written_off", "Written Off")], max_length=12,
                verbose_name="verdict",
            ),
        ),
        migrations.AddConstraint(
            "manualresolution",
            models.CheckConstraint(
                condition=Q(verdict__in=("paid", "written_off"), cost__isnull=False, cost__gte=0) & ~Q(proof="")
                | Q(verdict="not_paid", proof="", cost__isnull=True),
                name="manualresolution_verdict_fits_its_facts",
            ),
        ),
        AppendOnly("transfers_manualresolution"),
        migrations.AlterField(
            "resolvedattempt", "attempt",
            models.ForeignKey(
                "transfers.Attempt", on_delete=django.db.models.deletion.RESTRICT, related_name="resolved",
                verbose_name="attempt",
            ),
        ),
        migrations.AddField(
            "resolvedattempt", "transaction",
            models.OneToOneField(
                "ledger.JournalTransaction", null=True, on_delete=django.db.models.deletion.RESTRICT,
                related_name="writes_off_payment", verbose_name="transaction",
            ),
        ),
        migrations.AddField("resolvedattempt", "decided_attempt", _attempt_while(transaction=None)),
        migrations.AddField("resolvedattempt", "written_off_attempt", _attempt_while(transaction__isnull=False)),
        migrations.AddConstraint(
            "resolvedattempt",
            models.UniqueConstraint(fields=["decided_attempt"], name="resolvedattempt_decides_once"),
        ),
        migrations.AddConstraint(
            "resolvedattempt",
            models.UniqueConstraint(fields=["written_off_attempt"], name="resolvedattempt_writes_off_once"),
        ),
        AppendOnly("transfers_resolvedattempt"),
        migrations.AddIndex("attempt", models.Index(fields=["paid_outside_at"], name="attempt_paid_outside")),
    ]  # fmt: skip
