"""What goes wrong is logged without the invoice, address, name or secret that it went wrong with.

The fixture `log_lines` searches every journey's log at DEBUG for what it stored; here are the failures, and the texts
that are stored nowhere.
"""

from collections.abc import Iterator

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.fakes.lnurl_service import LnurlService
from tests.journeys.tontine import ROOT, Tontine
from tests.lightning.world import PLATFORM, World
from tests.support.leaks import private, require_nothing_private_in
from tests.transfers.lightning_payout import SharedWatch
from transfers.engine.runner import run_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def tontine(platform: APIClient, world: World, settings: Settings) -> Tontine:
    settings.PUBLIC_BASE_URL = "https://money.example.org"
    return Tontine(platform, world)


@pytest.fixture
def service(world: World, settings: Settings) -> Iterator[LnurlService]:
    with LnurlService(world.invoice) as made:
        settings.ALLOWED_LOOPBACK_HOSTS = [made.authority]
        yield made


def test_search_finds_what_is_logged(tontine: Tontine) -> None:
    invoice = tontine.payable("c")
    for text in (invoice, "Awa Ndiaye", "+221771234567"):
        assert text in private()
        with pytest.raises(AssertionError, match="log contains"):
            require_nothing_private_in([f"payouts: cannot pay {text}"])


@pytest.mark.parametrize("kind", ["lightning_address", "lnurl"])
def test_wallet_service_that_fails_is_logged_without_the_address(
    tontine: Tontine, service: LnurlService, world: World, log_lines: list[str], kind: str
) -> None:
    value = service.address if kind == "lightning_address" else service.link
    tontine.ready("c")
    body = {"rail": "lightning", "kind": kind, "value": value}
    assert tontine.client.put(f"{ROOT}/cycles/c/destination", body).status_code == 200
    tontine.process("c")
    watch = SharedWatch(world)
    refusal = {"status": "ERROR", "reason": "Awa Ndiaye (awa) is offline"}
    for answer in (b"<html>awa</html>", refusal, {"tag": "payRequest", "callback": f"{service.link}/pay"}):
        service.offers.append(answer)
        watch.advance(3_600)
        run_due(slots=1, clock=watch)

    assert len(service.paths) >= 1
    require_nothing_private_in(log_lines, value, "lnurlp/awa", "(awa)")


def test_node_that_is_down_is_logged_without_the_invoice(tontine: Tontine, world: World) -> None:
    tontine.payable("c")
    world.control.stop_serving(PLATFORM)

    tontine.process("c")
    run_due(slots=1)

    assert tontine.get("payouts/status/c")["payout_status"] == "processing"


def test_refused_calls_of_a_withdrawal_link_are_logged_without_its_secret(
    tontine: Tontine, log_lines: list[str]
) -> None:
    tontine.ready("c")
    opened = tontine.post("cycles/c/withdrawal-link", {}, 201)
    secret = opened["url"].rpartition("/")[2]
    wallet = APIClient()

    for method, path in (("post", secret), ("get", f"{secret}/"), ("get", f"{secret}/callback/more")):
        assert getattr(wallet, method)(f"/lnurl/withdraw/{path}").status_code >= 400

    assert len(secret) == 64
    require_nothing_private_in(log_lines, secret, opened["lnurl"])
