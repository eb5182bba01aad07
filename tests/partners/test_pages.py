"""The pages of partners in the back office."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from partners.models import FloatMinimum, InboundWebhook
from sunusav.core import clock
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.world import person
from tests.factories.floats import adopt_minimum, looked_at, proposed_minimum
from transfers.collectors import collector
from transfers.float_queries import forget_outflows
from transfers.rails import rail

pytestmark = pytest.mark.django_db
OVERVIEW = "/admin/partners/inboundwebhook/partners/"


@pytest.fixture(autouse=True)
def plugins(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.PARTNERS = ["wave", "orange"]
    settings.RAILS = {"wave": "tests.fakes.franc_rail.ScriptedFrancRail"}
    settings.COLLECTORS = {"wave": "tests.fakes.collector.OtherCollector"}
    monkeypatch.setenv("WAVE_WEBHOOK_SECRETS", "never-shown")
    forgets: list[Callable[[], None]] = [
        rail.cache_clear,
        collector.cache_clear,
        forget_outflows,
        cache.clear,
    ]
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


@pytest.fixture
def finance() -> Client:
    sync_roles()
    client = Client(headers={"accept-language": "en"})
    client.force_login(person("a-finance", Role.FINANCE))
    return client


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode().replace("\u202f", " ").replace("\xa0", " ")


def test_overview_lists_every_partner_in_use(finance: Client) -> None:
    looked_at("wave", 250_000, at=clock.now())
    adopt_minimum(proposed_minimum(now=clock.now()), now=clock.now())

    text = page(finance, OVERVIEW)

    assert "250 000 F CFA" in text
    assert "does not pay" in text, "orange has no rail"
    assert f'href="{OVERVIEW}wave/"' in text


def test_page_of_a_partner_shows_money_webhooks_and_variables_without_values(finance: Client) -> None:
    now = clock.now()
    looked_at("wave", 5, at=now)
    adopt_minimum(proposed_minimum(now=now), now=now)
    InboundWebhook.objects.create(
        partner="wave", event_key="AE_1", kind="checkout.session.completed", authenticity="signature",
        received_at=now, follow_at=now,
    )  # fmt: skip

    text = page(finance, f"{OVERVIEW}wave/")

    for shown in ("running low", "100 000 F CFA", "checkout.session.completed", "WAVE_WEBHOOK_BEARERS"):
        assert shown in text
    assert "never-shown" not in text


def test_page_of_a_partner_that_is_not_used_is_missing(finance: Client) -> None:
    assert finance.get(f"{OVERVIEW}mtn/").status_code == 404


@pytest.mark.parametrize("url", [OVERVIEW, f"{OVERVIEW}wave/"])
def test_pages_are_closed_to_people_without_a_role(url: str) -> None:
    client = Client()
    client.force_login(User.objects.create(username="nobody", is_staff=True))
    assert client.get(url).status_code == 403


def test_pages_are_in_the_menu(finance: Client) -> None:
    assert f'href="{OVERVIEW}"' in page(finance, "/admin/")


def test_finance_proposes_a_minimum(finance: Client) -> None:
    url = reverse("admin:partners_floatminimum_action", args=["propose"])
    assert "Alert below, in francs" in page(finance, url)

    answer = finance.post(
        url, {"partner": "wave", "minimum_xof": "75000", "minimum_days": "4", "reason": "a busy month"}
    )

    assert answer.status_code == 302
    row = FloatMinimum.objects.get()
    assert (row.partner, row.minimum_xof, row.minimum_days) == ("wave", 75_000, 4)
    assert Proposal.objects.get().subject_id == str(row.pk)
    text = page(finance, reverse("admin:partners_floatminimum_change", args=[row.pk]))
    assert "75 000 F CFA" in text


def test_number_of_queries_of_the_overview_does_not_grow(
    finance: Client, django_assert_max_num_queries: Callable[..., object]
) -> None:
    looked_at("wave", 250_000, at=clock.now())
    page(finance, OVERVIEW)  # the first page of a session stores it
    with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
        page(finance, OVERVIEW)
