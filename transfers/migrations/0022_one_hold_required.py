from django.db import migrations, models
from django.db.models import F, Q

PAID = ("completed", "reversed")


class Migration(migrations.Migration):
    """Drop what the migration before has moved, and require what it has filled."""

    dependencies = [("transfers", "0021_currencies_and_holds")]

    operations = [
        *(
            migrations.RemoveField("disbursement", name)
            for name in ("rail", "destination_kind", "destination_value", "destination_replaced_at")
        ),
        migrations.RemoveField("attempt", "hold_transaction"),
        migrations.AlterField("disbursement", "terms_at", models.DateTimeField(verbose_name="terms at")),
        migrations.AddConstraint(
            "disbursement",
            models.CheckConstraint(
                condition=Q(net_msat=None, fee_msat=None)
                | Q(
                    net_msat__isnull=False, fee_msat__isnull=False, payout_msat=F("net_msat") + F("fee_msat")
                ),
                name="disbursement_gross_is_net_plus_fee",
            ),
        ),
        migrations.AddConstraint(
            "disbursement",
            models.CheckConstraint(
                condition=Q(net_msat=None) | Q(net_msat__gt=0, fee_msat__gte=0),
                name="disbursement_net_is_positive",
            ),
        ),
        migrations.AddConstraint(
            "disbursement",
            models.CheckConstraint(
                condition=Q(pay_xof=None, conversion=None, residue_xof=None)
                | Q(pay_xof__gt=0, conversion=None, residue_xof=None)
                | Q(
                    pay_xof__isnull=False, pay_xof__gt=0, net_msat__isnull=False, conversion__isnull=False,
                    residue_xof__isnull=False, residue_xof__gte=0, residue_xof__lt=1,
                ),
                name="disbursement_francs_are_fixed_whole",
            ),
        ),
        migrations.AddConstraint(
            "disbursement",
            models.CheckConstraint(
                condition=~Q(state__in=("processing", "needs_review")) | Q(hold_transaction__isnull=False),
                name="disbursement_in_process_is_held",
            ),
        ),
        migrations.AddConstraint(
            "disbursement",
            models.CheckConstraint(
                condition=~Q(state__in=("processing", *PAID)) | Q(net_msat__isnull=False),
                name="disbursement_processing_has_net",
            ),
        ),
        migrations.AddConstraint(
            "disbursement",
            models.CheckConstraint(
                condition=Q(admitted_at__isnull=True, admitted_by_version__isnull=True)
                | Q(admitted_at__isnull=False, net_msat__isnull=False),
                name="disbursement_admitted_with_its_net",
            ),
        ),
        migrations.AddConstraint(
            "attempt",
            models.CheckConstraint(
                condition=Q(state__in=("prepared", "in_flight"), closed_at=None, payment_transaction=None)
                | Q(state__in=("failed", "void"), closed_at__isnull=False, payment_transaction=None)
                | Q(state="succeeded", closed_at__isnull=False, payment_transaction__isnull=False),
                name="attempt_paid_is_booked",
            ),
        ),
        migrations.AddConstraint(
            "attempt",
            models.CheckConstraint(
                condition=~Q(state="succeeded") | (~Q(proof="") & Q(cost__isnull=False) & Q(cost__gte=0)),
                name="attempt_success_has_proof",
            ),
        ),
        migrations.AddIndex("attempt", models.Index(fields=["closed_at"], name="attempt_by_end")),
    ]  # fmt: skip
