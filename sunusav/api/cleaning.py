"""Removal of what is kept for a limited time. Apps name theirs in `CLEAN_UPS` of their `cleaning.py`."""

from datetime import datetime

from sunusav.api.idempotency import clean_up_keys
from sunusav.api.tokens import delete_expired_tokens
from sunusav.core.app_modules import collect_mapping
from sunusav.core.attachments import clean_up_files
from sunusav.core.login_attempts import clean_up_attempts
from sunusav.core.staff_sessions import clean_up_sessions
from sunusav.core.wrong_codes import clean_up_reports


def clean_up(*, now: datetime) -> dict[str, int]:
    """Remove what every app keeps for a limited time; return how many of each."""
    return {name: remove(now=now) for name, remove in collect_mapping("cleaning", "CLEAN_UPS").items()}


CLEAN_UPS = {
    "idempotency_keys": clean_up_keys,
    "tokens": delete_expired_tokens,
    "sessions": clean_up_sessions,
    "login_attempts": clean_up_attempts,
    "reports_of_wrong_codes": clean_up_reports,
    "files_without_attachment": clean_up_files,
}
