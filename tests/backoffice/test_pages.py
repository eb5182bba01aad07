"""Rules for all pages: names are escaped, amounts have units, queries do not grow with the rows."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sunusav.core import clock
from sunusav.core.roles import Role
from sunusav.core.switches import pause_outgoing
from tests.backoffice.conftest import Enter
from tests.backoffice.world import EVIL, World
from tests.factories.payouts import ACTOR, NOW, make_group, make_payable_cycle, process
from tests.fakes.rail import ScriptedRail
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.types import Refused

pytestmark = pytest.mark.each_leg

N, T = "\u202f", "\u00a0"


def _urls() -> Iterator[str]:
    yield "/admin/"
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        for pk in model._default_manager.values_list("pk", flat=True):
            yield reverse(f"{name}_change", args=[pk])


def _asking_urls(world: World) -> Iterator[str]:
    yield f"/admin/payouts/group/actions/propose-revocation/?pk={world.group.pk}"
    yield f"/admin/payouts/cycle/actions/cancel-payout/?pk={world.collecting.pk}"
    yield f"/admin/core/proposal/actions/approve/?pk={world.verification.pk}"
    yield f"/admin/fees/feescheduledraft/actions/propose/?pk={world.draft.pk}"
    yield f"/admin/transfers/disbursement/actions/cancel/?pk={world.failed.pk}"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_markup_in_names_is_escaped_on_every_page(world: World, enter: Enter, language: str) -> None:
    pause_outgoing(actor=ACTOR, reason=f"odd {EVIL}", now=NOW)
    client, shown = enter(None), 0
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    before = _rows()
    for url in [*_urls(), *_asking_urls(world)]:
        page = client.get(url, follow=True).content.decode()
        assert "<img src=x" not in page, url
        assert (page.count('role="main"'), page.count('class="skip-link"')) == (1, 1), url
        shown += "&lt;img src=x" in page

    assert shown > 20
    assert _rows() == before  # looking and asking changed nothing


def test_trail_is_shown_in_the_language_of_the_reader(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"

    page = client.get("/admin/core/trailentry/").content.decode()

    assert "Le bénéficiaire est payé" in page
    assert [code for code in ("close_attempt", "in_flight", "system:transfers.engine<") if code in page] == []


def _rows() -> dict[str, list[dict[str, object]]]:
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in admin.site._registry
        if model._meta.label != "core.StaffSession"  # each request says when its session was last used
    }


def test_markup_in_a_message_is_escaped(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)

    page = client.post(
        "/admin/payouts/group/actions/propose-verification/",
        {"pk": world.group.pk, "reason": "x"},
        follow=True,
    ).content.decode()

    assert "[group-verified-already]" in page
    assert "<img src=x" not in page


def test_payment_page_shows_its_timeline(world: World, enter: Enter) -> None:
    page = enter(Role.AUDITOR).get(f"/admin/transfers/disbursement/{world.paid.pk}/change/").content.decode()

    attempt = world.paid.attempts.get()
    for part in (
        attempt.order.reference,
        attempt.proof,
        f"29{N}850{T}sats",  # net
        f"1.500{T}sats",  # routing fee
        f"30{N}000{T}sats",  # hold
        "platform_fee_income:msat",
        "community_fund:msat",
        "partner_reserve:msat:wave",
        f">hold #{attempt.disbursement.hold_transaction_id}",
        f"payment #{attempt.payment_transaction_id}",
    ):
        assert part in page
    # 30,000 × 1 % × 0.50 (verified) = 150 = 75 + 30 + 45
    assert all(f">{share}{T}sats<" in page for share in (150, 75, 30, 45))
    for event in ("Payment ordered", "Amount fixed and held", "Attempt 1 ended: ", "The recipient is paid"):
        assert event in page


def test_failed_payment_shows_why(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"

    page = client.get(f"/admin/transfers/disbursement/{world.failed.pk}/change/").content.decode()

    assert "détails de paiement refusés par le destinataire" in page
    assert "Tentative 1 : échec" in page
    assert "Relancer" in page


def test_names_and_phones_are_masked(world: World, enter: Enter) -> None:
    client = enter(None)
    pages = [
        client.get(url).content.decode()
        for url in ("/admin/payouts/member/", f"/admin/payouts/group/{world.group.pk}/change/")
    ]

    for page in pages:
        assert "A. N." in page
        assert "+22177•••••67" in page
        assert "+221771234567" not in page
        assert "Awa Ndiaye" not in page


@pytest.mark.parametrize(
    "url",
    [
        "/admin/transfers/disbursement/",
        "/admin/transfers/attempt/",
        "/admin/transfers/paymentorder/",
        "/admin/payouts/cycle/",
        "/admin/payouts/group/",
        "/admin/fees/feerecord/",
        "/admin/fees/feeassessment/",
        "/admin/ledger/journaltransaction/",
    ],
)
def test_lists_run_as_many_queries_for_three_rows_as_for_one(world: World, enter: Enter, url: str) -> None:
    client = enter(Role.AUDITOR)
    few, rows = _queries(client, url)

    for number in range(3):
        group = make_group(members=2, id=f"more-{number}")
        process(make_payable_cycle(group, net_sats=19_800))
    run_due(slots=1, clock=lambda: NOW)

    many, more_rows = _queries(client, url)
    assert more_rows >= rows + 3
    assert many == few


def test_payment_page_runs_as_many_queries_for_three_attempts_as_for_one(world: World, enter: Enter) -> None:
    client, url = enter(Role.AUDITOR), f"/admin/transfers/disbursement/{world.failed.pk}/change/"
    few, _ = _queries(client, url)

    for again in (1, 2):
        Disbursement.objects.filter(pk=world.failed.pk).update(state="failed")
        enter(Role.FINANCE).post(
            "/admin/transfers/disbursement/actions/retry/", {"pk": world.failed.pk, "reason": "again"}
        )
        _fail_again(after=timedelta(minutes=again))

    assert world.failed.attempts.count() == 3
    many, _ = _queries(client, url)
    assert many == few


def _fail_again(*, after: timedelta) -> None:
    node = rail("lightning")
    assert isinstance(node, ScriptedRail)
    node.script.append(Refused(reason="no-route", failure=FailureClass.FINAL, evidence={}))
    run_due(slots=1, clock=lambda: clock.now() + after)


def _queries(client: Client, url: str) -> tuple[int, int]:
    client.get(url)  # content types and permissions are remembered
    with CaptureQueriesContext(connection) as queries:
        response = client.get(url)
    assert response.status_code == 200
    changelist = (response.context or {}).get("cl")
    return len(queries), changelist.result_count if changelist else 1


def test_member_named_on_a_page_is_read_once_per_field(world: World, enter: Enter) -> None:
    client = enter(None)
    url = reverse("admin:transfers_disbursement_change", args=[world.paid.pk])
    client.get(url)

    with CaptureQueriesContext(connection) as queries:
        assert "user-0" in client.get(url).content.decode()

    reads = [query for query in queries if 'FROM "payouts_member"' in query["sql"].replace("`", '"')]
    assert len(reads) == 3  # who is paid, who won, and where their name is revealed
