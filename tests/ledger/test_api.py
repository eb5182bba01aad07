from decimal import Decimal
from typing import Any

import pytest
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from ledger.models import ExchangeRate, ManualRateRequest
from sunusav.core import clock
from sunusav.core.band_services import BandValue
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.bands import set_band
from tests.factories.users import client_in, client_of, make_user
from tests.ledger.builders import MINUTE, stored_rate

pytestmark = pytest.mark.django_db
CURRENT, UPDATE = "/monetization/rates/current", "/monetization/rates/update"
TO_XOF, TO_SATS = "/monetization/convert/sats-to-xof", "/monetization/convert/xof-to-sats"
MANUAL = {"rate": "8500000.5", "reason": "the sources are unavailable"}


def post(client: APIClient, url: str, body: Any, **headers: Any) -> Any:
    return client.post(url, body, format="json", headers=headers)


@pytest.fixture
def platform() -> APIClient:
    return client_in(Role.PLATFORM)


@pytest.fixture
def finance() -> User:
    return make_user(Role.FINANCE)


@pytest.fixture
def approver() -> User:
    return make_user(Role.APPROVER)


def test_current_rate_answers_the_rate_and_its_source(platform: APIClient) -> None:
    observed_at = clock.now() - MINUTE
    stored_rate("9123457.25", at=observed_at)

    response = platform.get(CURRENT)

    assert response.status_code == 200
    assert response.json() == {
        "btc_xof_rate": "9123457.25",
        "source": "market",
        "observed_at": observed_at.isoformat().replace("+00:00", "Z"),
        "is_fallback": False,
    }


def test_current_rate_without_a_fresh_one_is_the_marked_fallback(platform: APIClient) -> None:
    answer = platform.get(CURRENT).json()

    assert (answer["btc_xof_rate"], answer["source"], answer["is_fallback"]) == ("8000000", "fallback", True)


@pytest.mark.parametrize("role", Role)
def test_every_role_reads_rates(role: Role) -> None:
    assert client_in(role).get(CURRENT).status_code == 200
    assert post(client_in(role), TO_XOF, {"amount_sats": 1}).status_code == 200


def test_rates_without_a_token_are_refused() -> None:
    assert APIClient().get(CURRENT).status_code == 401
    assert post(APIClient(), UPDATE, MANUAL).status_code == 401


def test_sats_to_xof_shows_cents_and_the_rate(platform: APIClient) -> None:
    answer = post(platform, TO_XOF, {"amount_sats": 1}).json()

    assert (answer["amount_sats"], answer["amount_xof"]) == (1, "0.08")
    assert set(answer) == {
        "amount_sats",
        "amount_xof",
        "btc_xof_rate",
        "source",
        "observed_at",
        "is_fallback",
    }


def test_xof_to_sats_rounds_down(platform: APIClient) -> None:
    assert post(platform, TO_SATS, {"amount_xof": 500}).json()["amount_sats"] == 6_250

    stored_rate("9123457", at=clock.now())
    assert post(platform, TO_SATS, {"amount_xof": 500}).json()["amount_sats"] == 5_480


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (TO_XOF, {}),
        (TO_XOF, {"amount_sats": 0}),
        (TO_XOF, {"amount_sats": -1}),
        (TO_XOF, {"amount_sats": 1.5}),
        (TO_XOF, {"amount_sats": "1"}),
        (TO_XOF, {"amount_sats": True}),
        (TO_XOF, {"amount_sats": 2_100_000_000_000_001}),
        (TO_XOF, {"amount_sats": 1, "rate": "1"}),
        (TO_SATS, {"amount_xof": 0}),
        (TO_SATS, {"amount_xof": "500"}),
        (TO_SATS, {"amount_sats": 500}),
    ],
)
def test_conversion_of_a_malformed_amount_is_refused(platform: APIClient, url: str, body: Any) -> None:
    response = post(platform, url, body)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid-request"
    assert not ExchangeRate.objects.exists()


def test_manual_rate_is_proposed_by_one_and_approved_by_another(finance: User, approver: User) -> None:
    proposed = post(client_of(finance), UPDATE, MANUAL)

    proposal = Proposal.objects.get()
    assert proposed.status_code == 202
    assert proposed.json() == {
        "btc_xof_rate": "8500000.5", "source": "manual", "observed_at": None, "is_fallback": False,
        "proposal_id": str(proposal.pk), "digest": proposal.digest, "state": "open",
        "proposed_by": finance.username, "approvals_needed": 1, "approvals_given": 0,
    }  # fmt: skip
    assert not ExchangeRate.objects.exists()

    approved = post(client_of(approver), UPDATE, {"rate": 8_500_000.5, "reason": "checked"})

    row = ExchangeRate.objects.get()
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    assert (row.rate_xof_per_btc, row.source) == (Decimal("8500000.5"), "manual")
    assert client_of(finance).get(CURRENT).json()["btc_xof_rate"] == "8500000.5"


def test_manual_rate_that_needs_two_approvals_is_recorded_with_the_second(finance: User) -> None:
    set_band(BandValue("manual_rate", approvals_needed=2), now=clock.now())
    post(client_of(finance), UPDATE, MANUAL)

    first, second = (post(client_in(Role.APPROVER), UPDATE, MANUAL) for _ in range(2))

    answers = [
        (one.status_code, one.json()["state"], one.json()["approvals_given"]) for one in (first, second)
    ]
    assert answers == [(202, "open", 1), (200, "approved", 2)]
    assert first.json()["observed_at"] is None
    assert first.json()["approvals_needed"] == second.json()["approvals_needed"] == 2
    assert ExchangeRate.objects.get().source == "manual"


def test_manual_rate_that_a_rule_leaves_to_another_role_is_refused(finance: User) -> None:
    set_band(BandValue("manual_rate", approvals_needed=1, role=Role.APPROVER), now=clock.now())
    post(client_of(finance), UPDATE, MANUAL)

    refused = post(client_of(make_user(is_superuser=True, is_service=False)), UPDATE, MANUAL)

    assert (refused.status_code, refused.json()["code"]) == (403, "role-needed-to-decide")
    assert refused.json()["role"] == "approver"
    assert not ExchangeRate.objects.exists()


def test_manual_rate_repeated_by_its_proposer_is_refused(finance: User) -> None:
    client = client_of(finance)
    post(client, UPDATE, MANUAL)

    again = post(client, UPDATE, MANUAL)

    assert (again.status_code, again.json()["code"]) == (403, "approver-is-proposer")
    assert not ExchangeRate.objects.exists()


def test_manual_rate_with_another_rate_is_not_an_approval(finance: User, approver: User) -> None:
    post(client_of(finance), UPDATE, MANUAL)

    other = post(client_of(approver), UPDATE, {**MANUAL, "rate": "8500001"})

    assert (other.status_code, other.json()["code"]) == (409, "proposal-already-open")
    assert not ExchangeRate.objects.exists()
    assert ManualRateRequest.objects.count() == 1


def test_manual_rate_approved_without_a_valid_code_is_refused(finance: User, approver: User) -> None:
    TOTPDevice.objects.create(user=approver, name="phone")
    post(client_of(finance), UPDATE, MANUAL)

    refused = post(client_of(approver), UPDATE, MANUAL, **{"X-OTP": "000000"})

    assert (refused.status_code, refused.json()["code"]) == (403, "second-factor-refused")
    assert not ExchangeRate.objects.exists()


def test_manual_rate_out_of_bounds_is_refused(finance: User) -> None:
    refused = post(client_of(finance), UPDATE, {"rate": "12195.92", "reason": "euros, by mistake"})

    assert (refused.status_code, refused.json()["code"]) == (422, "rate-out-of-bounds")
    assert refused.json()["minimum_xof_per_btc"] == "655957"
    assert not ManualRateRequest.objects.exists()


@pytest.mark.parametrize(
    "rate", ["", "1e7", "-8000000", "8 000 000", "8000000.123456789", "NaN", True, None, [1]]
)
def test_malformed_manual_rate_is_refused(finance: User, rate: Any) -> None:
    refused = post(client_of(finance), UPDATE, {"rate": rate, "reason": "r"})

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid-request")
    assert not ManualRateRequest.objects.exists()


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.AUDITOR, Role.OPERATOR])
def test_manual_rate_by_another_role_is_refused(role: Role) -> None:
    assert post(client_in(role), UPDATE, MANUAL).status_code == 403
    assert not ManualRateRequest.objects.exists()
