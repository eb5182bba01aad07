"""Names of subjects and accounts, and the working days of Senegal: pure."""

from datetime import date, datetime, timedelta
from functools import cache

import holidays

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core.calendar import DAKAR

CYCLE = "cycle"
CONTRIBUTION = "contribution"
SATURDAY = 5


def cycle_subject(cycle_id: str) -> str:
    """Return how the rooms below name a cycle."""
    return f"{CYCLE}:{cycle_id}"


def contribution_subject(contribution_id: int) -> str:
    """Return how the rooms below name a contribution."""
    return f"{CONTRIBUTION}:{contribution_id}"


def id_in(subject: str) -> str:
    """Return whose subject this is; identifiers may hold colons."""
    return subject.partition(":")[2]


def member_ref(user_id: str) -> str:
    """Return the person under whose key a member's data is sealed, and who owns their credit."""
    return f"member:{user_id}"


def payee_of(winner_user_id: str) -> str:
    """Return how limits of outgoing money count a winner, whatever the cycle or the destination."""
    return f"user:{winner_user_id}"


def pot_of(cycle_id: str) -> AccountRef:
    """Return the account in which a cycle's contributions gather."""
    return AccountRef(AccountRole.GROUP_POT, Currency.MSAT, cycle_subject(cycle_id))


def credit_of(user_id: str) -> AccountRef:
    """Return the account in which what a member paid too much is kept."""
    return AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, member_ref(user_id))


def is_working_day(day: date) -> bool:
    """Tell whether people work in Senegal that day."""
    return day.weekday() < SATURDAY and day not in _holidays(day.year)


def on_working_day(moment: datetime) -> datetime:
    """Return the moment, moved to the same time of the next working day in Dakar when it is on none."""
    local = moment.astimezone(DAKAR)
    while not is_working_day(local.date()):
        local += timedelta(days=1)
    return local.astimezone(moment.tzinfo)


@cache
def _holidays(year: int) -> holidays.HolidayBase:
    # Days that follow the moon are the package's estimates until they are announced.
    return holidays.country_holidays("SN", years=year)
