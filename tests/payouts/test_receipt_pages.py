"""The link of a receipt: opened by the platform, read by anybody who has it, revoked; the page and the PDF."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from fontTools.ttLib import TTFont
from pytest_django import Settings

from payouts.models import Group
from sunusav.core import clock
from sunusav.core.roles import Role
from tests.factories.payouts import NOW
from tests.factories.receipts import ISSUER, set_issuer, set_tax_rate
from tests.factories.users import client_in, client_of, make_user
from tests.ledger.builders import stored_rate
from tests.payouts.test_issued_receipts import paid_payout, settled_contribution
from tests.support.constraints import copy_of
from transfers.document_queries import link_facts
from transfers.models import Disbursement, IssuedReceipt, ReceiptLink
from transfers.receipt_files.pdf import FONTS

pytestmark = pytest.mark.django_db
RECEIPTS = "/monetization/receipts"
LARGEST_PAGE_BYTES = 20_000
MOST_BYTES_OF_FONTS = 300_000


@pytest.fixture
def payout_id() -> int:
    stored_rate("8000000", at=NOW)
    set_issuer(now=NOW)
    return paid_payout()


def opened(payout_id: int) -> Any:
    response = client_in(Role.PLATFORM).post(RECEIPTS, {"kind": "payout", "id": payout_id})
    assert response.status_code == 201, response.content
    return response.json()


def path_of(answer: Any, name: str = "url") -> str:
    return str(answer[name]).removeprefix("http://localhost:8001")


def page(path: str, **headers: str) -> Any:
    return Client().get(path, headers=headers)


def test_open_link_answers_number_issuer_tax_and_urls(payout_id: int, settings: Settings) -> None:
    answer = opened(payout_id)

    assert (answer["number"], answer["kind"]) == (IssuedReceipt.objects.get().number, "payout")
    assert answer["issuer"] == {
        "legal_name": ISSUER.legal_name, "address": ISSUER.address, "ninea": ISSUER.ninea,
    }  # fmt: skip
    assert (answer["tax_rate_bps"], answer["tax_sats"]) == (0, 0)
    assert answer["url"].startswith(f"{settings.PUBLIC_BASE_URL}/receipts/")
    assert answer["pdf_url"] == f"{answer['url']}/pdf"


def test_open_link_again_answers_the_same_link(payout_id: int) -> None:
    assert opened(payout_id) == opened(payout_id)
    assert (IssuedReceipt.objects.count(), ReceiptLink.objects.count()) == (1, 1)


def test_page_shows_the_receipt_in_french_by_default_and_in_english_on_request(payout_id: int) -> None:
    set_tax_rate(0, now=NOW)
    answer = opened(payout_id)

    french, english = page(path_of(answer)), page(f"{path_of(answer)}?lang=en")

    for response, language, title, tax in (
        (french, "fr", "Reçu de paiement de la cagnotte", "dont TVA 0\xa0%"),
        (english, "en", "Receipt of a payout", "of which VAT 0\xa0%"),
    ):
        text = response.content.decode()
        assert response.status_code == 200
        assert f'<html lang="{language}">' in text
        assert response.headers["Content-Language"] == language
        for shown in (title, tax, answer["number"], ISSUER.ninea, "Tontine Médina", "99\u202f000\xa0sats"):
            assert shown in text
        # 99,000 sats at 8,000,000 francs.
        assert "7\u202f920\xa0F\xa0CFA" in text
        assert answer["url"] not in text


def test_page_is_light_and_loads_nothing(payout_id: int) -> None:
    response = page(path_of(opened(payout_id)))

    text = response.content.decode()
    assert len(response.content) < LARGEST_PAGE_BYTES
    assert "<script" not in text
    assert not re.search(r'src=|url\(|@import|<link|href="http', text)
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"


def test_page_escapes_names(payout_id: int) -> None:
    Group.objects.update(name="<img src=x onerror=alert(1)>")

    assert "<img" not in page(path_of(opened(payout_id))).content.decode()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_pdf_is_the_same_each_time_and_embeds_its_fonts(payout_id: int, language: str) -> None:
    path = f"{path_of(opened(payout_id), 'pdf_url')}?lang={language}"

    first, second = page(path), page(path)

    assert (first.status_code, first.headers["Content-Type"]) == (200, "application/pdf")
    assert first.content.startswith(b"%PDF-")
    assert first.content == second.content
    assert first.content.count(b"/FontFile2") == 3
    number = IssuedReceipt.objects.get().number
    assert first.headers["Content-Disposition"] == f'inline; filename="{number}-{language}.pdf"'


@pytest.mark.parametrize("name", ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"])
def test_fonts_have_the_letters_of_french_and_wolof_and_their_licence(name: str) -> None:
    letters = TTFont(FONTS / f"{name}.ttf").getBestCmap()

    missing = [
        letter for letter in "àâçéèêëîïôœùûÿÀÇÉŒ’«»–…−\u00a0\u202fñŋóɓɗƴ₣" if ord(letter) not in letters
    ]
    assert missing == []
    assert "Bitstream Vera" in (FONTS / "LICENSE.txt").read_text()
    assert sum(file.stat().st_size for file in FONTS.iterdir()) < MOST_BYTES_OF_FONTS


def test_pdf_of_a_contribution_and_of_long_names(payout_id: int) -> None:
    owed = settled_contribution()
    Group.objects.update(name="Œuvre " * 16 + "كاس")
    answer = client_in(Role.PLATFORM).post(RECEIPTS, {"kind": "contribution", "id": owed.pk}).json()

    assert page(path_of(answer, "pdf_url")).content.startswith(b"%PDF-")
    assert "Reçu de cotisation" in page(path_of(answer)).content.decode()


def test_revoked_link_shows_nothing_and_the_next_one_is_another(payout_id: int) -> None:
    answer = opened(payout_id)

    revoked = client_in(Role.PLATFORM).delete(f"{RECEIPTS}/{answer['number']}/link")

    assert (revoked.status_code, revoked.json()["number"]) == (200, answer["number"])
    for name in ("url", "pdf_url"):
        response = page(path_of(answer, name), **{"accept-language": "en"})
        assert response.status_code == 410
        assert "This link is no longer valid" in response.content.decode()
        assert "Tontine" not in response.content.decode()
    again = opened(payout_id)
    assert (again["number"], again["url"] == answer["url"]) == (answer["number"], False)
    assert page(path_of(again)).status_code == 200


def test_expired_link_shows_nothing_and_the_next_one_is_another(payout_id: int) -> None:
    answer = opened(payout_id)
    now = clock.now()
    ReceiptLink.objects.update(opened_at=now - timedelta(days=90), expires_at=now - timedelta(seconds=1))

    assert page(path_of(answer)).status_code == 410
    again = opened(payout_id)
    assert again["url"] != answer["url"]
    assert page(path_of(again)).status_code == 200


def test_wrong_link_is_a_page_in_the_readers_language(payout_id: int) -> None:
    token = path_of(opened(payout_id)).removeprefix("/receipts/")
    nonce, _, signature = token.partition(".")
    other = "0" if signature[-2] != "0" else "1"

    for wrong in ("x", nonce, f"{nonce}.", f"{nonce}.{signature[:-2]}{other}A", f"{'0' * 32}.{signature}"):
        for headers, language, text in (
            ({"accept-language": "en"}, "en", "There is no such receipt"),
            ({"accept-language": "fr-SN, fr;q=0.9"}, "fr", "Ce reçu n’existe pas"),
            ({}, "fr", "Ce reçu n’existe pas"),
        ):
            response = page(f"/receipts/{wrong}", **headers)
            assert response.status_code == 404
            assert f'<html lang="{language}">' in response.content.decode()
            assert text in response.content.decode()


def test_page_that_fails_says_so_to_the_reader(payout_id: int) -> None:
    """A receipt that was stored without its rate."""
    opened(payout_id)
    broken = copy_of(
        IssuedReceipt.objects.get(), count=2, number="PAY-2026-2", subject="disbursement:0", facts={}
    )
    broken.save()
    link = copy_of(ReceiptLink.objects.get(), receipt_id=broken.pk, nonce="0" * 32)
    link.save()

    response = Client(raise_request_exception=False).get(f"/receipts/{link_facts(link).token}")

    assert (response.status_code, response.headers["Cache-Control"]) == (500, "no-store")
    assert "Rouvrez le lien dans quelques minutes" in response.content.decode()


def test_page_of_a_payment_that_came_back_says_so(payout_id: int) -> None:
    answer = opened(payout_id)
    assert "no longer valid" not in page(f"{path_of(answer)}?lang=en").content.decode()

    Disbursement.objects.update(state="reversed")

    assert "The receipt is no longer valid." in page(f"{path_of(answer)}?lang=en").content.decode()


def test_token_is_not_in_the_log(payout_id: int, caplog: pytest.LogCaptureFixture) -> None:
    answer = opened(payout_id)
    token = path_of(answer).removeprefix("/receipts/")
    client_in(Role.PLATFORM).delete(f"{RECEIPTS}/{answer['number']}/link")

    for path in (path_of(answer), path_of(answer, "pdf_url"), f"{path_of(answer)}x"):
        page(path)

    assert "/receipts/" in caplog.text
    for part in token.split("."):
        assert part not in caplog.text


def test_pages_are_limited_per_address(payout_id: int, settings: Settings) -> None:
    path = path_of(opened(payout_id))
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "anonymous": "3/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}

    answers = [Client(REMOTE_ADDR="203.0.113.78").get(path) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[3]
    assert "Patientez" in refused.content.decode()
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "gift", "id": 1}, 422, "receipt-kind-unknown"),
        ({"kind": "payout", "id": 10**9}, 404, "payout-missing"),
        ({"kind": "payout", "id": "1"}, 400, "invalid-request"),
    ],
)
def test_receipt_of_nothing_is_refused(payout_id: int, body: dict[str, Any], status: int, code: str) -> None:
    response = client_in(Role.PLATFORM).post(RECEIPTS, body)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not IssuedReceipt.objects.exists()


def test_kind_of_receipt_needs_its_own_permission(payout_id: int) -> None:
    user = make_user(is_service=True)
    user.user_permissions.add(Permission.objects.get(codename="issue_receipt"))

    response = client_of(user).post(RECEIPTS, {"kind": "payout", "id": payout_id})

    assert (response.status_code, response.json()["code"]) == (403, "receipt-not-allowed")
    assert response.json()["permission"] == "payouts.view_payout"
    assert not IssuedReceipt.objects.exists()


def test_revoke_what_is_not_there_is_refused(payout_id: int) -> None:
    answer, client = opened(payout_id), client_in(Role.PLATFORM)
    client.delete(f"{RECEIPTS}/{answer['number']}/link")

    for number, code in ((answer["number"], "receipt-link-missing"), ("PAY-1999-000001", "receipt-missing")):
        response = client.delete(f"{RECEIPTS}/{number}/link")
        assert (response.status_code, response.json()["code"]) == (404, code)
