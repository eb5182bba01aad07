"""One-time codes and recovery codes: which is accepted where, and how often."""

from datetime import UTC, datetime

import pytest
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.core.models import TrailEntry, User
from sunusav.core.second_factor import (
    SecondFactorNotEnrolled,
    SecondFactorRefused,
    enrol_authenticator,
    make_key,
    make_recovery_codes,
    recovery_codes_left,
    require_second_factor,
    secret_text,
    secret_url,
    use_code,
)
from tests.factories.users import make_user

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def awa(db: None) -> User:
    return make_user(username="awa", is_service=False)


@pytest.fixture
def device(awa: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=awa, name="authenticator", confirmed=True)


def _code(key: str) -> str:
    return f"{totp(bytes.fromhex(key)):06}"


def test_api_takes_each_code_of_the_authenticator_once(awa: User, device: TOTPDevice) -> None:
    code = _code(device.key)
    require_second_factor(awa, code)

    with pytest.raises(SecondFactorRefused):
        require_second_factor(awa, code)


def test_api_takes_no_recovery_code(awa: User, device: TOTPDevice) -> None:
    [code, *_] = make_recovery_codes(awa, now=NOW)

    with pytest.raises(SecondFactorRefused):
        require_second_factor(awa, code)

    assert recovery_codes_left(awa) == 10


def test_person_without_an_authenticator_gives_no_code_where_none_is_required(
    awa: User, settings: Settings
) -> None:
    require_second_factor(awa, "")

    settings.SECOND_FACTOR_REQUIRED = True
    with pytest.raises(SecondFactorNotEnrolled):
        require_second_factor(awa, "")
    with pytest.raises(SecondFactorNotEnrolled):
        use_code(awa, "123456", now=NOW)


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "000 000", "aaaa-bbbb-cccc-dddd"])
def test_wrong_code_is_refused(awa: User, device: TOTPDevice, code: str) -> None:
    make_recovery_codes(awa, now=NOW)

    with pytest.raises(SecondFactorRefused):
        use_code(awa, code, now=NOW)

    assert recovery_codes_left(awa) == 10


def test_wrong_one_time_codes_do_not_slow_recovery_codes_down(awa: User, device: TOTPDevice) -> None:
    [code, *_] = make_recovery_codes(awa, now=NOW)
    with pytest.raises(SecondFactorRefused):
        use_code(awa, "000000", now=NOW)

    used = use_code(awa, f" {code.upper()} ", now=NOW)

    assert (used, recovery_codes_left(awa)) == (StaticDevice.objects.get(user=awa), 9)
    device.refresh_from_db()
    assert device.throttling_failure_count == 1


def test_new_authenticator_replaces_the_earlier_one_once_its_first_code_is_right(
    awa: User, device: TOTPDevice
) -> None:
    key = make_key()
    with pytest.raises(SecondFactorRefused):
        enrol_authenticator(awa, key=key, code="000000", now=NOW)
    assert TOTPDevice.objects.get(user=awa) == device
    assert not TrailEntry.objects.exists()

    enrolled = enrol_authenticator(awa, key=key, code=_code(key), now=NOW)

    assert TOTPDevice.objects.get(user=awa) == enrolled
    assert enrolled.key == key


def test_secret_is_shown_as_authenticators_take_it(awa: User) -> None:
    key = "00" * 10 + "ff" * 10
    assert secret_text(key) == "AAAA AAAA AAAA AAAA 7777 7777 7777 7777"
    assert secret_url(awa, key).startswith("otpauth://totp/SunuS%C3%A0v%3Aawa?secret=AAAAAAAAAAAAAAAA7777")
