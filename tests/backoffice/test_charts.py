"""Charts: the figures that are drawn, the rows that each point opens, and who sees which chart."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse

from sunusav.backoffice.charts import charts_for
from sunusav.backoffice.navigation import Area
from sunusav.core import clock
from sunusav.core.calendar import DAKAR
from sunusav.core.models import DailyFigure
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import NOW
from transfers.charts import _paid_on
from transfers.figures import NOT_PAID, PAID_BY_RAIL, SUCCEEDED

N, T = "\u202f", "\u00a0"


def _figure(series: str, value: int, *, days_ago: int = 0, part: str = "lightning") -> None:
    today = clock.now().astimezone(DAKAR).date()
    DailyFigure.objects.create(
        series=series,
        day=today - timedelta(days=days_ago),
        part=part,
        value=Decimal(value),
        computed_at=clock.now(),
    )


def _drawn(page: str, name: str) -> dict[str, Any]:
    found = re.search(rf'<script id="chart-{name}" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found, name
    drawn: dict[str, Any] = json.loads(found[1])
    return drawn


def _home(enter: Enter, role: Role) -> str:
    return str(enter(role).get("/admin/").content.decode())


def test_paid_per_day_draws_every_rail_and_opens_its_attempts(world: World, enter: Enter) -> None:
    _figure(PAID_BY_RAIL, 29_850)
    _figure(PAID_BY_RAIL, 99_500, days_ago=1, part="wave")
    today = clock.now().astimezone(DAKAR).date()

    drawn = _drawn(_home(enter, Role.FINANCE), "paid")

    assert [line["label"] for line in drawn["lines"]] == ["lightning", "wave"]
    assert drawn["lines"][0]["values"][-2:] == [0, 29_850]
    assert drawn["lines"][0]["values"][0] is None  # a day that was not computed
    assert drawn["lines"][1]["values"][-2:] == [99_500, 0]
    assert drawn["lines"][1]["shown"][-2] == f"99{N}500{T}sats"
    assert drawn["lines"][1]["urls"][-1] == (
        f"/admin/transfers/attempt/?order__rail=wave&closed_at__gte={today}&closed_at__lte={today}&state__exact=succeeded"
    )


def test_success_is_the_share_of_ended_attempts(world: World, enter: Enter) -> None:
    _figure(SUCCEEDED, 3)
    _figure(SUCCEEDED, 4, days_ago=5)
    _figure(NOT_PAID, 1, days_ago=5)

    drawn = _drawn(_home(enter, Role.FINANCE), "success")

    # 7 of 8 ended paid
    assert (drawn["labels"], drawn["lines"][0]["values"], drawn["lines"][0]["shown"]) == (
        ["lightning"], ["87.5"], ["87.5 % (7 of 8)"],
    )  # fmt: skip


def test_money_that_waits_stands_at_its_age_under_its_state(world: World, enter: Enter) -> None:
    world.failed.__class__.objects.filter(pk=world.failed.pk).update(
        requested_at=clock.now() - timedelta(hours=5)
    )

    drawn = _drawn(_home(enter, Role.FINANCE), "waiting")

    assert drawn["labels"] == ["< 1 h", "< 24 h", "< 7 days", "7 days or more"]
    assert [(line["label"], line["values"]) for line in drawn["lines"]] == [("failed", [0, 29_850, 0, 0])]
    assert drawn["lines"][0]["urls"][1].startswith(
        "/admin/transfers/disbursement/?state__exact=failed&requested_at__gte="
    )


def test_every_point_opens_a_list_that_shows_its_rows(world: World, enter: Enter) -> None:
    _figure(PAID_BY_RAIL, 29_850)
    client = enter(Role.AUDITOR)
    user = person("an-auditor", Role.AUDITOR)

    opened = 0
    for drawn in charts_for(user, now=clock.now()):
        for line in drawn.figures.lines:
            for point in line.points:
                if point.value:
                    response = client.get(point.url)
                    assert response.status_code == 200, point.url  # a refused filter would be a redirect
                    opened += 1
    assert opened > 1


def test_point_of_a_rail_opens_the_attempts_on_it(world: World, enter: Enter) -> None:
    client, day = enter(Role.AUDITOR), NOW.date()

    def found(rail: str) -> list[int]:
        rows = client.get(_paid_on(day, rail)).context["cl"].result_list
        return [row.disbursement_id for row in rows]

    assert (found("lightning"), found("wave")) == ([world.paid.pk], [])


def test_charts_without_figures_say_so(world: World, enter: Enter) -> None:
    page = _home(enter, Role.FINANCE)

    assert "Nothing was paid in the last 30 days." in page
    assert 'id="chart-paid"' not in page


def test_people_see_the_charts_of_what_they_may_read(world: World) -> None:
    shown = [drawn.chart.name for drawn in charts_for(person("op", Role.OPERATOR), now=clock.now())]

    assert "fee-shares" not in shown
    assert {
        "paid",
        "success",
        "waiting",
        "fee-shares",
        "closing-rate",
        "settlements-by-age",
        "statement-ages",
    } == {drawn.chart.name for drawn in charts_for(person("auditor", Role.AUDITOR), now=clock.now())}


def test_area_page_has_its_lists_and_charts(world: World, enter: Enter) -> None:
    _figure(PAID_BY_RAIL, 29_850)
    client = enter(Role.AUDITOR)

    page = client.get(Area.PAYMENTS.url()).content.decode()

    assert reverse("admin:payouts_cycle_changelist") in page
    assert 'id="chart-paid"' in page
    assert 'id="chart-closing-rate"' not in page
    assert client.get("/admin/areas/no-area/").status_code == 404


def test_text_in_figures_is_escaped(world: World, enter: Enter) -> None:
    _figure(PAID_BY_RAIL, 5, part="</script><img src=x>")

    assert "</script><img src=x>" not in _home(enter, Role.FINANCE)
