"""Removal of rows of this app that are kept for a limited time."""

from datetime import datetime, timedelta
from typing import Final

from ledger.models import AuditRun

RUNS_KEPT_FOR: Final = timedelta(days=90)


def delete_old_runs(*, now: datetime) -> int:
    """Remove the audits of more than 90 days ago; return how many. What they found is in the trail."""
    return AuditRun.objects.filter(ended_at__lt=now - RUNS_KEPT_FOR).delete()[0]


CLEAN_UPS = {"audit_runs": delete_old_runs}
