"""Subjects and accounts of cycles and members, phone numbers, and the working days of Senegal. Pure."""

from datetime import date, datetime, timedelta
from functools import cache

import holidays
import phonenumbers

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core.calendar import DAKAR
from sunusav.core.money import msat_from_sats

CYCLE = "cycle"
CONTRIBUTION = "contribution"
REFUND = "refund"
SATURDAY = 5
# What a look-up is about, so that a person is not found by the words of a group.
MEMBER_NAME, MEMBER_PHONE, GROUP_NAME = "member name", "member phone", "group name"
SENEGAL = "SN"


def cycle_subject(cycle_id: str) -> str:
    """Return the subject by which the apps below refer to a cycle."""
    return f"{CYCLE}:{cycle_id}"


def group_ref(group_id: str) -> str:
    """Return the subject of a group."""
    return f"group:{group_id}"


def contribution_subject(contribution_id: int) -> str:
    """Return the subject by which the apps below refer to a contribution."""
    return f"{CONTRIBUTION}:{contribution_id}"


def refund_subject(refund_id: int) -> str:
    """Return the subject by which the apps below refer to a refund."""
    return f"{REFUND}:{refund_id}"


def is_paid(owed_sats: int, *, is_collected: bool, credit_used_msat: int) -> bool:
    """Return whether a contribution is settled: its request was paid, or credit covers all of it."""
    return is_collected or credit_used_msat >= msat_from_sats(owed_sats)


def payee_of(winner_user_id: str) -> str:
    """Return the payee under which limits count a winner, in every cycle and for every destination."""
    return f"user:{winner_user_id}"


def international(phone: str, *, country: str | None = None) -> str | None:
    """Return a phone number with its country, as +221771234567; None when there can be no such number.

    With a country (ISO 3166-1 alpha-2), the number may also be one as people write it there.
    """
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def phone_term(phone: str) -> str:
    """Return what a phone is found by: the number with its country, however people write it."""
    return f"{MEMBER_PHONE}:{international(phone, country=SENEGAL) or phone}"


def pot_of(cycle_id: str) -> AccountRef:
    """Return the account that a cycle's contributions are credited to."""
    return AccountRef(AccountRole.GROUP_POT, Currency.MSAT, cycle_subject(cycle_id))


def is_working_day(day: date) -> bool:
    """Return whether a day is a working day in Senegal."""
    return day.weekday() < SATURDAY and day not in _holidays(day.year)


def on_working_day(moment: datetime) -> datetime:
    """Return the moment, moved to the same time of the next working day in Dakar if its day is not one."""
    local = moment.astimezone(DAKAR)
    while not is_working_day(local.date()):
        local += timedelta(days=1)
    return local.astimezone(moment.tzinfo)


@cache
def _holidays(year: int) -> holidays.HolidayBase:
    # Holidays of the Islamic calendar are the package's estimates.
    return holidays.country_holidays("SN", years=year)
