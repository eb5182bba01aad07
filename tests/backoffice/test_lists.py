"""The list of every admin: pages by keyset, a capped count, filters and searches by indexes, actions on shown rows."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from ledger.enums import Currency
from payouts.models import Cycle
from sunusav.backoffice.admin import OutboxMessageAdmin
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.list_exports import prepare_exports
from sunusav.backoffice.lists import MOST_COUNTED, MOST_EXAMINED
from sunusav.core import clock
from sunusav.core.models import Export, OutboxMessage
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World
from tests.factories.payouts import NOW
from transfers.models import Collection, Disbursement

pytestmark = pytest.mark.each_leg

OUTBOX = "/admin/core/outboxmessage/"
EXPORT = "/admin/core/export/new/core.outboxmessage/"
DISBURSEMENTS = "/admin/transfers/disbursement/"
CYCLES = "/admin/payouts/cycle/"
LINK = re.compile(r'<a[^>]*href="([^"]*)"[^>]*rel="(first|prev|next)"')


def messages(count: int, *, subject: str = "cycle:x", every: int = 1) -> None:
    """Create messages, of which each `every`th was delivered."""
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            topic="t", subject=subject, payload={}, created_at=NOW, next_try_at=NOW, tries=number % 7,
            delivered_at=NOW + timedelta(minutes=number % 60) if number % every == 0 else None,
        )
        for number in range(count)
    )  # fmt: skip


def shown(client: Client, url: str) -> Any:
    """Return the change list of a page."""
    response = client.get(url)
    assert response.status_code == 200
    return response.context["cl"]


def keys(changelist: Any) -> list[Any]:
    return [row.pk for row in changelist.result_list]


def links(client: Client, url: str) -> dict[str, str]:
    """Return the links to other pages, by their relation."""
    page = client.get(url).content.decode()
    return {rel: url.partition("?")[0] + unescape(href) for href, rel in LINK.findall(page)}


def walk(client: Client, url: str, rel: str = "next") -> Iterator[tuple[str, list[Any]]]:
    """Yield each page's URL and keys, from one page on."""
    while url:
        yield url, keys(shown(client, url))
        url = links(client, url).get(rel, "")


# Pages


def column_number(client: Client, name: str) -> int:
    """Return the number of a column as the links of the heads name it."""
    columns = shown(client, OUTBOX).list_display
    return next(n for n, one in enumerate(columns) if getattr(one, "__name__", one) == name)


@pytest.mark.parametrize(
    ("sort", "order"), [("", "-id"), ("subject", "subject"), ("delivered_at", "delivered_at")]
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_show_each_row_once_in_order(enter: Enter, db: None, sort: str, order: str, sign: str) -> None:
    messages(130, every=3)
    client = enter(None)
    url = f"{OUTBOX}?o={sign}{column_number(client, sort)}" if sort else OUTBOX
    expected = OutboxMessage.objects.order_by("-id" if not sort else f"{sign}{order}", f"{sign}id")

    pages = list(walk(client, url))

    assert [len(page) for _, page in pages] == [50, 50, 30]
    assert [key for _, page in pages for key in page] == [row.pk for row in expected]


def test_previous_page_is_the_page_before(enter: Enter, db: None) -> None:
    messages(130)
    client = enter(None)
    pages = list(walk(client, OUTBOX))

    back = list(walk(client, pages[-1][0], "prev"))

    assert [page for _, page in back] == [page for _, page in reversed(pages)]
    assert links(client, pages[0][0]).keys() == {"next"}
    assert links(client, pages[1][0]).keys() == {"first", "prev", "next"}
    assert links(client, pages[2][0]).keys() == {"first", "prev"}
    assert keys(shown(client, links(client, pages[2][0])["first"])) == pages[0][1]


def test_page_before_rows_that_came_first_is_full(enter: Enter, db: None) -> None:
    messages(60)
    client = enter(None)
    second = links(client, OUTBOX)["next"]
    messages(3)

    page = keys(shown(client, links(client, second)["prev"]))

    assert page == [row.pk for row in OutboxMessage.objects.order_by("-id")[3:53]]
    first = keys(shown(client, links(client, links(client, second)["prev"])["prev"]))
    assert first == [row.pk for row in OutboxMessage.objects.order_by("-id")[:50]]


@pytest.mark.parametrize(
    "query", ["after=", "after=forged", "before=W10", "after=x&before=y", "p=99999", "o=99.-x"]
)
def test_made_up_page_is_the_first(enter: Enter, db: None, query: str) -> None:
    messages(60)
    client = enter(None)

    assert keys(shown(client, f"{OUTBOX}?{query}")) == keys(shown(client, OUTBOX))


def test_cursor_counts_only_for_its_order(enter: Enter, db: None) -> None:
    messages(60)
    client = enter(None)
    cursor = links(client, OUTBOX)["next"].partition("?")[2]
    by_subject = f"{OUTBOX}?o={column_number(client, 'subject')}"

    assert keys(shown(client, f"{by_subject}&{cursor}")) == keys(shown(client, by_subject))


def test_columns_without_index_cannot_be_sorted_by(enter: Enter, db: None) -> None:
    messages(60)
    client = enter(None)
    tries = column_number(client, "tries")

    assert f"o={tries}" not in client.get(OUTBOX).content.decode()
    assert keys(shown(client, f"{OUTBOX}?o={tries}")) == keys(shown(client, OUTBOX))


# Counts


def test_count_is_exact_up_to_its_limit(enter: Enter, db: None) -> None:
    messages(130)

    page = enter(None).get(OUTBOX).content.decode()

    assert ">130 " in page
    assert "more than" not in page


def test_count_stops_at_its_limit(enter: Enter, db: None) -> None:
    messages(MOST_COUNTED + 1)
    client = enter(None)

    assert "more than 10\u202f000 " in client.get(OUTBOX).content.decode()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"
    assert "plus de 10\u202f000 " in client.get(OUTBOX).content.decode()


# Filters


def test_dates_filter_whole_days(world: World, enter: Enter) -> None:
    client, day = enter(Role.AUDITOR), NOW.date()
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    payouts = sorted(keys(shown(client, DISBURSEMENTS)))

    def on(since: Any, through: Any) -> list[Any]:
        return sorted(
            keys(shown(client, f"{DISBURSEMENTS}?requested_at__gte={since}&requested_at__lte={through}"))
        )

    assert payouts == sorted([world.paid.pk, world.failed.pk])
    assert on(day, day) == payouts
    assert on(before, day) == payouts
    assert on(before, before) == []
    assert on(after, after) == []
    assert on("", before) == []
    assert on(day, "") == payouts


def test_dates_of_links_may_be_moments(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    moment = world.paid.requested_at

    assert (
        keys(shown(client, f"{DISBURSEMENTS}?requested_at__gte={moment.isoformat().replace('+', '%2B')}"))
        != []
    )
    later = (moment + timedelta(seconds=1)).isoformat().replace("+", "%2B")
    assert keys(shown(client, f"{DISBURSEMENTS}?requested_at__gte={later}")) == []


@pytest.mark.parametrize(
    ("low", "high", "is_found"),
    [
        ("30000", "30000", True), ("30 000", "", True), ("", "30000", True), ("29999", "29999", False),
        ("30001", "", False), ("", "29999", False),
    ],
)  # fmt: skip
def test_amounts_filter_in_sats(world: World, enter: Enter, low: str, high: str, is_found: bool) -> None:
    assert world.paid.payout_msat == 30_000_000
    found = keys(shown(enter(Role.AUDITOR), f"{DISBURSEMENTS}?payout_sats_from={low}&payout_sats_to={high}"))

    assert (world.paid.pk in found) is is_found


def test_amounts_in_francs_are_not_those_in_sats(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    sats = Collection.objects.filter(currency=Currency.MSAT.value)
    amount = sats[0].amount // 1000
    equal = {row.pk for row in sats if row.amount // 1000 == amount}
    url = f"/admin/transfers/collection/?asked_%s_from={amount}&asked_%s_to={amount}"

    assert set(keys(shown(client, url % ("sats", "sats")))) == equal
    assert keys(shown(client, url % ("xof", "xof"))) == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("payout_sats_from=abc", "“abc” is not a whole amount."),
        ("payout_sats_to=-5", "“-5” is not a whole amount."),
        ("payout_sats_to=9999999999999999", "“9999999999999999” is not a whole amount."),
        ("requested_at__gte=2026-02-30", "“2026-02-30” is not a date."),
        ("requested_at__lte=tomorrow", "“tomorrow” is not a date."),
    ],
)
def test_value_that_is_none_is_named(world: World, enter: Enter, query: str, message: str) -> None:
    page = enter(Role.AUDITOR).get(f"{DISBURSEMENTS}?{query}", follow=True).content.decode()

    assert message in page


def test_form_of_a_range_keeps_the_other_filters(world: World, enter: Enter) -> None:
    page = enter(Role.AUDITOR).get(f"{DISBURSEMENTS}?state__exact=failed&payout_sats_from=5").content.decode()

    forms = re.findall(r'<form[^>]*class="range-filter".*?</form>', page, re.DOTALL)
    assert len(forms) == 2
    assert all('<input type="hidden" name="state__exact" value="failed">' in form for form in forms)
    (amount,) = [form for form in forms if 'name="payout_sats_to"' in form]
    (dates,) = [form for form in forms if form is not amount]
    assert '<input type="number" name="payout_sats_from" value="5">' in amount
    assert amount.count('name="payout_sats_from"') == 1
    assert '<input type="hidden" name="payout_sats_from" value="5">' in dates


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("collecting", ["cycle-collecting"]), ("ready", []), ("paying", []), ("paid", ["demo-cycle"]),
        ("failed", ["cycle-failed"]), ("cancelled", []), ("other", ["all"]),
    ],
)  # fmt: skip
def test_cycles_filter_by_the_state_shown(world: World, enter: Enter, status: str, names: list[str]) -> None:
    expected = list(Cycle.objects.values_list("pk", flat=True)) if names == ["all"] else names

    page = shown(enter(Role.AUDITOR), f"{CYCLES}?status={status}")

    assert sorted(keys(page)) == sorted(expected)
    assert all(row.facts.status == status for row in page.result_list if names != ["all"])


def test_groups_filter_by_their_partner(world: World, enter: Enter) -> None:
    client, partner = enter(Role.AUDITOR), world.group.settlement_partner_id
    of_partner = keys(shown(client, f"/admin/payouts/group/?settlement_partner__code__exact={partner}"))

    assert world.group.pk in of_partner
    assert keys(shown(client, "/admin/payouts/group/?settlement_partner__code__exact=nobody")) == []


# Filters that no index answers together


def test_page_examines_a_bounded_number_of_rows_and_offers_to_go_on(world: World, enter: Enter) -> None:
    """The wanted rows are the oldest of more than a page examines; walking on finds them."""
    client, total = enter(Role.AUDITOR), MOST_EXAMINED + 600
    _payouts(total)
    pages = list(walk(client, f"{DISBURSEMENTS}?destinations__rail=lightning"))

    assert [key for _, page in pages for key in page] == [world.failed.pk, world.paid.pk]
    assert len(pages) == 2
    assert "Not everything has been looked through yet" in client.get(pages[0][0]).content.decode()
    assert "Not everything" not in client.get(pages[-1][0]).content.decode()


def _payouts(count: int) -> None:
    """Create payments without a destination, after all others."""
    Disbursement.objects.bulk_create(
        Disbursement(
            subject=f"cycle:bulk-{number}", state="scheduled", payout_msat=1_000, debit_role="r", debit_owner="o",
            residue_role="r", residue_owner="o", person_ref="p", scheduled_at=NOW, terms_at=NOW, requested_at=NOW,
        )
        for number in range(count)
    )  # fmt: skip


def test_few_rows_of_one_filter_are_found_among_many_of_another(world: World, enter: Enter) -> None:
    _payouts(MOST_EXAMINED + 600)
    day = NOW.date()

    page = shown(
        enter(Role.AUDITOR),
        f"{DISBURSEMENTS}?state__exact=failed&requested_at__gte={day}&requested_at__lte={day}",
    )

    assert keys(page) == [world.failed.pk]
    assert not page.is_unfinished
    assert page.count == 1


# Searches


@pytest.mark.parametrize("term", ["cycle:demo-cycle", " cycle:demo-cycle "])
def test_search_finds_by_each_field(world: World, enter: Enter, term: str) -> None:
    client = enter(Role.AUDITOR)
    attempt = world.paid.attempts.get()

    assert keys(shown(client, f"{DISBURSEMENTS}?q={term}")) == [world.paid.pk]
    assert keys(shown(client, f"{DISBURSEMENTS}?q={world.paid.pk}")) == [world.paid.pk]
    assert keys(shown(client, f"{DISBURSEMENTS}?q={attempt.order.reference}")) == [world.paid.pk]
    assert keys(shown(client, f"{DISBURSEMENTS}?q=cycle:demo")) == []
    assert keys(shown(client, f"{DISBURSEMENTS}?q={term}&state__exact=failed")) == []


def test_search_finds_by_other_models_and_behind_a_kind(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)

    entries = shown(client, "/admin/ledger/journalentry/?q=platform_fee_income:msat").result_list
    assert entries != []
    assert {entry.account.code for entry in entries} == {"platform_fee_income:msat"}
    accounts = shown(client, "/admin/ledger/account/?q=cycle:demo-cycle").result_list
    assert accounts != []
    assert {account.owner for account in accounts} == {"cycle:demo-cycle"}
    trail = shown(client, "/admin/core/trailentry/?q=awa").result_list
    assert trail != []
    assert {entry.actor.username for entry in trail} == {"awa"}


def test_search_says_when_it_found_more_than_it_shows(enter: Enter, db: None) -> None:
    messages(501, subject="cycle:many")
    client = enter(None)

    assert "more than 500 " in client.get(f"{OUTBOX}?q=cycle:many").content.decode()
    found = [key for _, page in walk(client, f"{OUTBOX}?q=cycle:many") for key in page]
    assert found == [row.pk for row in OutboxMessage.objects.order_by("-id")[:500]]


def test_search_that_finds_just_as_many_as_it_shows_is_whole(enter: Enter, db: None) -> None:
    messages(500, subject="cycle:many")

    page = enter(None).get(f"{OUTBOX}?q=cycle:many").content.decode()

    assert "more than" not in page
    assert "500 " in page


class Undelivered(FewRows):
    title, parameter_name = "undelivered", "undelivered"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", "Yes")]

    def found(self, request: Any, value: str) -> Any:
        return OutboxMessage.objects.filter(delivered_at=None)


def test_filter_that_finds_too_many_keeps_the_newest_and_says_so(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OutboxMessageAdmin, "list_filter", (Undelivered, "created_at"))
    messages(500, every=1_000)  # all but one are undelivered
    client, url = enter(None), f"{OUTBOX}?undelivered=yes"
    assert "more than" not in client.get(url).content.decode()
    messages(4, every=2)  # two are undelivered

    assert "more than 500 " in client.get(url).content.decode()
    found = [key for _, page in walk(client, url) for key in page]
    assert found == [row.pk for row in OutboxMessage.objects.filter(delivered_at=None).order_by("-id")[:500]]
    narrowed = client.get(f"{url}&created_at__gte=2020-01-01").content.decode()
    assert "The search or filter finds more rows than are looked through here: the newest 500" in narrowed


@pytest.mark.parametrize("query", ["undelivered=yes", "q=cycle:many"])
def test_list_that_is_cut_cannot_be_exported(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(OutboxMessageAdmin, "list_filter", (Undelivered,))
    messages(501, subject="cycle:many", every=1_000)
    OutboxMessage.objects.update(delivered_at=None)

    answer = enter(None).post(f"{EXPORT}?{query}", {"file_format": "csv"}, follow=True)

    assert [status for _url, status in answer.redirect_chain] == [302]
    assert "a file would not be complete" in answer.content.decode()
    assert not Export.objects.exists()


def test_export_of_a_list_that_is_cut_after_the_request_fails(enter: Enter, db: None) -> None:
    messages(500, subject="cycle:many")
    enter(None).post(f"{EXPORT}?q=cycle:many", {"file_format": "csv"})
    messages(1, subject="cycle:many")

    prepare_exports(clock=clock.now)

    export = Export.objects.get()
    assert (export.state, export.failure_code) == ("failed", "export-list-cut")


# Actions


def test_action_is_about_the_selected_rows_even_across_pages(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    form = {"action": "cancel", "_selected_action": [world.failed.pk], "index": "0", "select_across": "1"}

    response = client.post(DISBURSEMENTS, form)

    assert response.headers["Location"] == f"{DISBURSEMENTS}actions/cancel/?pk={world.failed.pk}"
    assert "objects across" not in client.get(DISBURSEMENTS).content.decode()


def test_action_without_selected_rows_does_nothing(world: World, enter: Enter) -> None:
    response = enter(Role.FINANCE).post(
        DISBURSEMENTS, {"action": "cancel", "index": "0", "select_across": "1"}
    )

    assert response.headers["Location"] == DISBURSEMENTS
