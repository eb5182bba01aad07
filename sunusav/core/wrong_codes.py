"""Wrong codes after the right password: somebody else may know it, so they are reported to its owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.login_attempts import WINDOW
from sunusav.core.models import Reading, User
from sunusav.core.readings import store_reading
from sunusav.core.second_factor import WRONG_CODES

WRONG_CODES_OF: Final = "wrong-codes:"
REPORTED_FOR: Final = timedelta(days=7)
LOGIN: Final = Actor.system("login")


@dataclass(frozen=True)
class WrongCodesReport:
    """How many codes of a person were wrong in a day, after their password; when and from where the last one was."""

    user: User
    wrong_codes: int
    address: str
    at: datetime


def report_wrong_codes(user: User, *, wrong_codes: int, address: str, now: datetime) -> bool:
    """Report wrong codes from as many on as lock the login; once in a quarter of an hour. Return whether it did.

    The address is kept for a week, with the report; the trail has none.
    """
    if wrong_codes < WRONG_CODES.times:
        return False
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        name = f"{WRONG_CODES_OF}{user.pk}"
        if Reading.objects.filter(name=name, read_at__gt=now - WINDOW).exists():
            return False
        store_reading(name, {"wrong_codes": wrong_codes, "address": address}, now=now)
        trail.record(
            subject=f"user:{user.get_username()}", action="give_wrong_codes", actor=LOGIN, at=now,
            facts={"wrong_codes": wrong_codes},
        )  # fmt: skip
    return True


def reports_of_wrong_codes(*, now: datetime, user: User | None = None) -> list[WrongCodesReport]:
    """Return what was reported in the last week, of all people or of one, the newest first."""
    rows = Reading.objects.filter(read_at__gt=now - REPORTED_FOR)
    rows = (
        rows.filter(name=f"{WRONG_CODES_OF}{user.pk}")
        if user
        else rows.filter(name__startswith=WRONG_CODES_OF)
    )
    found = {int(row.name.removeprefix(WRONG_CODES_OF)): row for row in rows.order_by("-read_at")}
    people = {user.pk: user} if user else User.objects.in_bulk(found)
    return [
        WrongCodesReport(people[pk], row.facts["wrong_codes"], row.facts["address"], row.read_at)
        for pk, row in found.items()
        if pk in people
    ]


def clean_up_reports(*, now: datetime) -> int:
    """Delete reports that are older than a week; return how many."""
    old = Reading.objects.filter(name__startswith=WRONG_CODES_OF, read_at__lte=now - REPORTED_FOR)
    return int(old.delete()[0])
