"""What this app adds to timelines: the contributions of a cycle, and the cycles of a group."""

from collections.abc import Iterator

from django.utils.translation import gettext

from payouts.calculations import CYCLE, contribution_subject
from payouts.models import Contribution, Cycle
from sunusav.backoffice.money import show_sats
from sunusav.backoffice.sections import Line, link_to
from sunusav.backoffice.timeline import DONE, MOST_SUBJECTS, Names, Story
from sunusav.core.subjects import key_of, kind_name

CYCLES_SHOWN = 50


def related(names: Names) -> dict[str, str]:
    """Return the contributions to these cycles, each named by its member."""
    cycles = [key_of(one) for one in names if kind_name(one) == CYCLE]
    if not cycles:
        return {}
    owed = Contribution.objects.filter(cycle__in=cycles).order_by("pk")
    return {
        contribution_subject(pk): gettext("contribution of %(member)s") % {"member": user_id}
        for pk, user_id in owed.values_list("pk", "user_id")[:MOST_SUBJECTS]
    }


def lines(story: Story) -> Iterator[Line]:
    """Yield the newest cycles of the groups. The trail has their creation under the cycle, not under its group."""
    groups = story.keys("group")
    if not groups:
        return
    for row in Cycle.objects.filter(group__in=groups).order_by("-created_at", "-pk")[:CYCLES_SHOWN]:
        facts = {
            "index": row.cycle_index,
            "winner": row.winner_user_id,
            "pot": show_sats(row.payout_total_sats),
        }
        what = gettext("Cycle %(index)s begins: %(pot)s for %(winner)s") % facts
        yield Line(row.created_at, DONE, what, links=[link_to(row, row.pk)])
