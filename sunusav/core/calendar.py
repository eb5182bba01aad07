"""The time zone that days and deadlines are counted in."""

from typing import Final
from zoneinfo import ZoneInfo

DAKAR: Final = ZoneInfo("Africa/Dakar")
