"""One box finds people, groups, cycles, payments, references and proposals, of what a person may see."""

import pytest
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payouts.models import Member
from payouts.services.groups import create_group
from payouts.services.members import add_member
from sunusav.backoffice.search import Search
from sunusav.core.app_modules import collect
from sunusav.core.models import ProposalState, TrailEntry
from sunusav.core.privacy import erase
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World
from tests.factories.payouts import ACTOR, NOW
from tests.factories.receipts import set_issuer
from tests.factories.users import make_user
from tests.support.leaks import every_log_line
from transfers.models import Collection, IssuedReceipt, Receipt
from transfers.services.receipt_links import open_receipt_link

pytestmark = [pytest.mark.django_db, pytest.mark.each_leg]

URL = "/admin/search/"
PHONE = "+221781112233"


def asked(client: Client, text: str, **more: str) -> HttpResponse:
    return client.post(URL, {"text": text, **more})  # type: ignore[return-value]


def page_of(client: Client, text: str) -> str:
    """Return the page that a search leads straight to; the test fails where it lists hits."""
    answer = asked(client, text)
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def hits(answer: HttpResponse) -> dict[str, list[str]]:
    """Return the names of what a page lists, by the search that found it."""
    assert answer.status_code == 200
    found = answer.context["found"]  # type: ignore[attr-defined]
    return {part.name: [hit.label for hit in part.hits] for part in found}


def join(user_id: str, name: str, phone: str = PHONE, *, group_id: str = "medina") -> str:
    add_member(
        group_id=group_id, user_id=user_id, display_name=name, phone=phone, actor=ACTOR, now=NOW
    )  # fmt: skip
    row = Member.objects.get(group_id=group_id, user_id=user_id)
    return reverse("admin:payouts_member_change", args=[row.pk])


def also_number(row: Model, number: int, **others: object) -> None:
    """Make sure that a row of this kind has the number: databases number on from the tests before."""
    rows = type(row)._base_manager
    if not rows.filter(pk=number).exists():
        kept = rows.filter(pk=row.pk).values(*(field.attname for field in row._meta.concrete_fields)).get()
        rows.create(**kept | {"id": number} | others)


def test_exact_values_lead_straight_to_their_pages(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    awa = join("awa", "Awa Sarr")
    order, received = world.paid.orders.get(), Receipt.objects.order_by("pk")[0]
    set_issuer(now=NOW)
    open_receipt_link(kind="payout", key=world.paid.pk, user=make_user(Role.PLATFORM), now=NOW)
    receipt = IssuedReceipt.objects.get()
    payment = reverse("admin:transfers_disbursement_change", args=[world.paid.pk])
    issued = reverse("admin:transfers_issuedreceipt_change", args=[receipt.pk])
    cycle = reverse("admin:payouts_cycle_change", args=["demo-cycle"])
    assert {
        text: page_of(client, text)
        for text in (
            "awa", "78 111 22 33", PHONE, " demo-cycle ", order.reference, order.reference.upper(),
            receipt.number, receipt.number.lower(),
        )
    } == {
        "awa": awa, "78 111 22 33": awa, PHONE: awa, " demo-cycle ": cycle, order.reference: payment,
        order.reference.upper(): payment, receipt.number: issued, receipt.number.lower(): issued,
    }  # fmt: skip
    # What was received has its own row and the request that it pays: both are shown.
    assert set(hits(asked(client, received.reference))) == {"requests-by-reference", "received"}


def test_number_lists_every_kind_that_has_it(world: World, enter: Enter) -> None:
    client, pk = enter(Role.FINANCE), str(world.paid.pk)
    also_number(Collection.objects.latest("pk"), world.paid.pk, subject="contribution:0", reference="0" * 64)
    also_number(world.verification, world.paid.pk, state=ProposalState.WITHDRAWN, decided_at=NOW)

    assert set(hits(asked(client, f"#{pk}"))) == {"payments", "requests", "proposals"}
    assert set(hits(asked(client, pk))) >= {"payments", "requests", "proposals"}
    assert hits(asked(client, "9" * 18)) == {}
    assert hits(asked(client, "9" * 40)) == {}


def test_group_is_found_with_the_proposal_that_waits_about_it(world: World, enter: Enter) -> None:
    client = enter(Role.APPROVER)

    assert hits(asked(client, "fass")) == {
        "groups": ["Tontine Fass (fass)"],
        "open-proposals": [f"#{world.verification.pk} Verify a group (fass)"],
    }  # fmt: skip


def test_part_of_a_name_lists_masked_people_and_the_next_page_follows(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    for number in range(12):
        join(f"p-{number:02}", f"Khadidiatou Sarr{number}")

    answer = asked(client, "khadi SARR")

    assert hits(answer) == {"people-by-name": [f"p-{number:02} (medina)" for number in range(10)]}
    page = answer.content.decode()
    assert "K. S., +22178•••••33" in page
    assert [text for text in ("Khadidiatou", PHONE) if text in page] == []
    [part] = answer.context["found"]  # type: ignore[attr-defined]
    more = asked(client, "khadi SARR", only=part.name, after=part.next_after)
    assert hits(more) == {"people-by-name": ["p-10 (medina)", "p-11 (medina)"]}
    assert more.context["found"][0].next_after == ""  # type: ignore[attr-defined]


def test_phone_of_several_people_lists_them(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    for user_id in ("awa", "binta"):
        join(user_id, "Awa Sarr")

    assert hits(asked(client, "781112233")) == {"people-by-phone": ["awa (medina)", "binta (medina)"]}


def test_erased_person_is_found_by_identifier_alone(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    of_awa = join("awa", "Khadidiatou Sarr")
    erase("member:awa", now=NOW)

    assert [hits(asked(client, text)) for text in ("khadidiatou", PHONE)] == [{}, {}]
    assert page_of(client, "awa") == of_awa


def test_member_is_found_by_name_or_phone_only_with_the_right_to_see_them(world: World, enter: Enter) -> None:
    client = enter(Role.APPROVER)
    of_awa = join("awa", "Khadidiatou Sarr")
    create_group(group_id="yoff", name="Tontine Yoff", country="SN", actor=ACTOR, now=NOW)
    before = TrailEntry.objects.count()

    assert [hits(asked(client, text)) for text in ("khadi", "Khadidiatou Sarr", PHONE, "78 111 22 33")] == [
        {}
    ] * 4
    assert hits(asked(client, "khadi", only="people-by-name")) == {}
    assert page_of(client, "awa") == of_awa
    assert hits(asked(client, "tontine")) == {"groups-by-name": ["Tontine Yoff (yoff)"]}
    assert TrailEntry.objects.count() == before
    assert "a member by phone" not in client.get(URL).content.decode()


def test_each_search_by_name_or_phone_is_recorded_without_the_text(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    join("awa", "Khadidiatou Sarr")
    last = TrailEntry.objects.latest("pk").pk

    for text in ("khadi", "nobody", "78 111 22 33", "demo-cycle-9", world.paid.orders.get().reference):
        asked(client, text)

    lines = list(TrailEntry.objects.filter(pk__gt=last).order_by("pk"))
    assert [line.action for line in lines] == ["search_by_name", "search_by_name", "search_by_phone"]
    said = {(line.subject, line.actor_label, line.reason, str(line.facts)) for line in lines}
    assert said == {("user:a-finance", "a-finance", "", "{}")}
    assert "a member by phone" in client.get(URL).content.decode()


@pytest.mark.parametrize(
    "after", ["x", "-1", "\u0661", "9" * 40, "x" * 5_000, "a\x00b", "\u00e9:y", "payments"]
)
def test_crafted_start_of_the_next_hits_finds_nothing(world: World, enter: Enter, after: str) -> None:
    client = enter(Role.FINANCE)
    searches: list[Search] = collect("backoffice", "SEARCHES")

    for one in searches:
        for text in ("fass", "1", "ab" * 32, "khadi", PHONE):
            assert hits(asked(client, text, only=one.name, after=after)) == {}


def test_role_finds_only_what_it_may_see(world: World, enter: Enter) -> None:
    operator = enter(Role.OPERATOR)
    join("awa", "Khadidiatou Sarr")
    payment = reverse("admin:transfers_disbursement_change", args=[world.paid.pk])

    assert [hits(asked(operator, text)) for text in ("awa", "khadi", PHONE, "demo-cycle", "medina")] == [
        {}
    ] * 5
    assert page_of(operator, world.paid.orders.get().reference) == payment


def test_every_search_asks_for_the_permission_to_read(db: None) -> None:
    searches: list[Search] = collect("backoffice", "SEARCHES")

    assert len({one.name for one in searches}) == len(searches)
    assert [one.name for one in searches if ".view_" not in one.permission] == []


@pytest.mark.parametrize(
    "text", ["", "   ", "a", "%", "' OR 1=1", "x" * 121, "b\x00d", "demo_cycle", "DEMO-CYCLE"]
)
def test_what_cannot_be_there_finds_nothing(world: World, enter: Enter, text: str) -> None:
    assert hits(asked(enter(None), text)) == {}


def test_term_of_a_link_is_ignored_and_anonymous_people_search_nothing(world: World, enter: Enter) -> None:
    answer = enter(None).get(URL, {"text": "demo-cycle", "q": "demo-cycle"})
    assert (hits(answer), 'value="demo-cycle"' in answer.content.decode()) == ({}, False)  # type: ignore[arg-type]

    anonymous = asked(Client(), "demo-cycle")
    assert (anonymous.status_code, anonymous.headers["Location"]) == (302, f"/admin/login/?next={URL}")


def test_phone_and_full_name_are_in_no_line_of_the_log_and_no_statement(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    join("awa", "Khadidiatou Sarr")
    join("binta", "Khadidiatou Sarr")

    with every_log_line() as lines, CaptureQueriesContext(connection) as queries:
        for text in ("78 111 22 33", PHONE, "Khadidiatou Sarr"):
            assert sum(map(len, hits(asked(client, text)).values())) == 2

    statements = [query["sql"] for query in queries]
    assert any("lookuptoken" in statement for statement in statements)
    logged = "\n".join([*lines, *statements]).casefold()
    assert [text for text in ("781112233", "78 111 22 33", "khadidiatou", "sarr") if text in logged] == []


def test_queries_do_not_grow_with_the_rows(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            asked(client, "tontine")
        return len(queries)

    create_group(group_id="t-0", name="Tontine", country="SN", actor=ACTOR, now=NOW)
    cost()  # the first time, what is cached is read
    before = cost()
    for number in range(1, 15):
        create_group(group_id=f"t-{number}", name="Tontine", country="SN", actor=ACTOR, now=NOW)

    assert cost() == before < 30
