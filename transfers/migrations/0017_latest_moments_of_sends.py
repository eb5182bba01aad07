from datetime import timedelta

from django.db import migrations
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

# A worker held its claim for this long at that time.
LEASE = timedelta(seconds=20)


def _store_latest_moments(apps, schema_editor):
    """Derive the latest moment of each send, and have the providers asked about closed orders."""
    attempts = apps.get_model("transfers", "Attempt").objects
    leaves = Coalesce("sent_at", "opened_at") + LEASE
    without = attempts.filter(send_not_after=None)
    # At that time nothing waited for a moment after the end of an attempt.
    without.filter(closed_at__lt=leaves).update(send_not_after=F("closed_at"))
    without.update(send_not_after=leaves)
    unpaid = attempts.filter(state__in=("failed", "void"))
    unpaid.filter(unpaid_at=None).update(unpaid_at=F("closed_at"))
    disbursements = apps.get_model("transfers", "Disbursement").objects.filter(due_at=None)
    now = timezone.now()
    ended = disbursements.filter(
        state__in=("failed", "needs_review", "cancelled"), pk__in=unpaid.values("disbursement_id")
    )
    ended.update(due_at=now)
    payable = unpaid.filter(order__give_up_after__gt=now).values("disbursement_id")
    disbursements.filter(state="completed", pk__in=payable).update(due_at=now)


class Migration(migrations.Migration):
    """Fill the columns of the migration before. Stop the workers first: older ones send without a latest moment."""

    dependencies = [("transfers", "0016_send_not_after")]

    operations = [migrations.RunPython(_store_latest_moments, migrations.RunPython.noop)]
