"""The targets of the ratios, and how a measured ratio is printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq, ge, le
from statistics import median

_HOLDS = {"≥": ge, "≤": le, "=": eq}


@dataclass(frozen=True)
class Goal:
    """The target of a ratio; past `beyond` no further work on it is worth its cost."""

    what: str
    sign: str
    target: float
    beyond: float | None = None

    def verdict(self, value: float) -> str:
        if self.beyond is not None and _HOLDS[self.sign](value, self.beyond):
            return "beyond"
        return "reached" if _HOLDS[self.sign](value, self.target) else "BELOW TARGET"


GOALS = {
    "A1": Goal("authenticated fee quote, full stack : bare Django view, same server", "≥", 0.30, 0.45),
    "A2": Goal("authenticated fee quote, full stack : minimal FastAPI quote without auth", "≥", 1.0, 1.3),
    "A3": Goal("fee quote, p99 : p50 at 8 connections", "≤", 5, 3),
    "A4": Goal("SQL statements per warm fee quote", "≤", 1, 0),
    "B1": Goal("complete payout, one worker : composite raw bound", "≥", 0.45, 0.65),
    "B2": Goal("batch of due payouts, sent concurrently : sequential raw bound", "≥", 1.0, 3.0),
    "B4": Goal("complete payout, 4 workers : 1 worker", "≥", 1.6, 2.0),
    "B5": Goal("complete payout, p50 with a million payouts in the books : with 1,000", "≤", 1.10, 1.05),
    "B6": Goal("payments per cycle, 8 concurrent attempts and killed workers", "=", 1),
    "D1": Goal("balanced postings of 5 entries, one by one : django-hordak's loop", "≥", 2),
    "D1+": Goal("the same, many at once : django-hordak's loop", "≥", 10),
    "S1": Goal("proposal of a month of fees : one plain SQL SUM over the same index", "≤", 1.5, 1.1),
    "S1+": Goal("peak memory of the proposing process, all fees : a tenth of them", "≤", 1.05),
    "F1": Goal("payouts through Celery : in process", "≥", 0.70, 0.85),
}


def print_ratio(name: str, value: float, *context: str) -> bool:
    """Print one ratio and its context; return whether the target is reached."""
    goal = GOALS[name]
    aims = f"target {goal.sign} {goal.target:g}"
    if goal.beyond is not None:
        aims += f", beyond {goal.sign} {goal.beyond:g}"
    verdict = goal.verdict(value)
    print(f"{name:<3} {goal.what:<74} {value:8.2f}   {aims:<32} {verdict}", flush=True)
    for line in context:
        print(f"      {line}")
    return verdict != "BELOW TARGET"


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the rounds' ratios; both sides of a round ran under the same load of the machine."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def spread(values: Sequence[float], unit: str) -> str:
    """Format a series as its median, minimum and maximum."""
    return f"{median(values):,.0f}{unit} ({min(values):,.0f}-{max(values):,.0f})"
