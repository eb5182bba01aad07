"""One-time codes and recovery codes: which is accepted where, and how often."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django_otp.models import Device
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.core.models import LoginAttempt, TrailEntry, User
from sunusav.core.second_factor import (
    AuthenticatorChanged,
    SecondFactorNotEnrolled,
    SecondFactorRefused,
    TooManyWrongCodes,
    enrol_authenticator,
    limits_of_codes,
    make_key,
    make_recovery_codes,
    recovery_codes_left,
    require_second_factor,
    secret_text,
    secret_url,
    use_code,
)
from tests.factories.users import make_user
from tests.support.at_once import at_once

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def awa(db: None) -> User:
    return make_user(username="awa", is_service=False)


@pytest.fixture
def device(awa: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=awa, name="authenticator", confirmed=True)


def _code(key: str) -> str:
    return f"{totp(bytes.fromhex(key)):06}"


def _use(user: User, code: str, *, way: str = "tests", at: datetime = NOW) -> Device:
    return use_code(user, code, limits=limits_of_codes(way), now=at)


def _require(user: User, code: str) -> None:
    require_second_factor(user, code, limits=limits_of_codes("tests"), now=NOW)


def test_api_takes_each_code_of_the_authenticator_once(awa: User, device: TOTPDevice) -> None:
    code = _code(device.key)
    _require(awa, code)

    with pytest.raises(SecondFactorRefused):
        _require(awa, code)


def test_api_takes_no_recovery_code(awa: User, device: TOTPDevice) -> None:
    [code, *_] = make_recovery_codes(awa, now=NOW)

    with pytest.raises(SecondFactorRefused):
        _require(awa, code)

    assert recovery_codes_left(awa) == 10


def test_person_without_an_authenticator_gives_no_code_where_none_is_required(
    awa: User, settings: Settings
) -> None:
    _require(awa, "")

    settings.SECOND_FACTOR_REQUIRED = True
    with pytest.raises(SecondFactorNotEnrolled):
        _require(awa, "")
    with pytest.raises(SecondFactorNotEnrolled):
        _use(awa, "123456")


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "000 000", "aaaa-bbbb-cccc-dddd"])
def test_wrong_code_is_refused(awa: User, device: TOTPDevice, code: str) -> None:
    make_recovery_codes(awa, now=NOW)

    with pytest.raises(SecondFactorRefused):
        _use(awa, code)

    assert recovery_codes_left(awa) == 10


def test_wrong_one_time_codes_do_not_slow_recovery_codes_down(awa: User, device: TOTPDevice) -> None:
    [code, *_] = make_recovery_codes(awa, now=NOW)
    with pytest.raises(SecondFactorRefused):
        _use(awa, "000000")

    used = _use(awa, f" {code.upper()} ")

    assert (used, recovery_codes_left(awa)) == (StaticDevice.objects.get(user=awa), 9)


def _guess(user: User, times: int, *, at: datetime = NOW) -> None:
    for _ in range(times):
        with pytest.raises(SecondFactorRefused):
            _use(user, "000000", at=at)


def test_sixth_wrong_code_in_a_quarter_of_an_hour_makes_the_right_one_wait(
    awa: User, device: TOTPDevice
) -> None:
    _guess(awa, 5)
    with pytest.raises(TooManyWrongCodes):
        _use(awa, _code(device.key))
    with pytest.raises(TooManyWrongCodes):
        _require(awa, _code(device.key))

    assert _use(awa, _code(device.key), at=NOW + timedelta(minutes=15)) == device


def test_twenty_wrong_codes_in_a_day_make_the_right_one_wait_for_a_day(awa: User, device: TOTPDevice) -> None:
    for hour in range(4):
        _guess(awa, 5, at=NOW + timedelta(hours=hour))
    with pytest.raises(TooManyWrongCodes):
        _use(awa, _code(device.key), at=NOW + timedelta(hours=23))

    assert _use(awa, _code(device.key), at=NOW + timedelta(hours=24)) == device


def test_wrong_codes_count_for_the_way_they_are_given(awa: User, device: TOTPDevice) -> None:
    _guess(awa, 5)

    assert _use(awa, _code(device.key), way="another") == device


def test_missing_code_is_no_guess(awa: User, device: TOTPDevice) -> None:
    for _ in range(20):
        with pytest.raises(SecondFactorRefused):
            _require(awa, "")

    _require(awa, _code(device.key))


def test_right_codes_do_not_count(awa: User, device: TOTPDevice) -> None:
    for code in make_recovery_codes(awa, now=NOW):
        _use(awa, code)

    assert not LoginAttempt.objects.exists()


def test_new_authenticator_replaces_the_earlier_one_once_its_first_code_is_right(
    awa: User, device: TOTPDevice
) -> None:
    key = make_key()
    with pytest.raises(SecondFactorRefused):
        enrol_authenticator(awa, key=key, code="000000", replaces=device, now=NOW)
    assert TOTPDevice.objects.get(user=awa) == device
    assert not TrailEntry.objects.exists()

    enrolled = enrol_authenticator(awa, key=key, code=_code(key), replaces=device, now=NOW)

    assert TOTPDevice.objects.get(user=awa) == enrolled
    assert enrolled.key == key


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_one", [False, True])
def test_of_two_browsers_that_enrol_at_once_one_comes_too_late(*, has_one: bool) -> None:
    awa = make_user(username="awa", is_service=False)
    earlier = TOTPDevice.objects.create(user=awa, confirmed=True) if has_one else None
    keys = [make_key(), make_key()]

    def enrol(key: str) -> TOTPDevice:
        return enrol_authenticator(awa, key=key, code=_code(key), replaces=earlier, now=NOW)

    answers = at_once([partial(enrol, key) for key in keys])

    [late] = [answer for answer in answers if isinstance(answer, AuthenticatorChanged)]
    [enrolled] = [answer for answer in answers if answer is not late]
    assert TOTPDevice.objects.get(user=awa) == enrolled


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_limited_too() -> None:
    awa = make_user(username="awa", is_service=False)
    TOTPDevice.objects.create(user=awa, confirmed=True)

    answers = at_once([lambda: _use(awa, "000000")] * 12)

    assert sum(isinstance(answer, SecondFactorRefused) for answer in answers) <= 5
    assert {type(answer) for answer in answers} <= {SecondFactorRefused, TooManyWrongCodes}


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_code_that_two_give_at_once_is_accepted_from_one() -> None:
    awa = make_user(username="awa", is_service=False)
    device = TOTPDevice.objects.create(user=awa, confirmed=True)
    [recovery, *_] = make_recovery_codes(awa, now=NOW)
    for code in (_code(device.key), recovery):
        answers = at_once([partial(_use, awa, code)] * 2)

        assert sorted(isinstance(answer, SecondFactorRefused) for answer in answers) == [False, True]


def test_secret_is_shown_as_authenticators_take_it(awa: User) -> None:
    key = "00" * 10 + "ff" * 10
    assert secret_text(key) == "AAAA AAAA AAAA AAAA 7777 7777 7777 7777"
    assert secret_url(awa, key).startswith("otpauth://totp/SunuS%C3%A0v%3Aawa?secret=AAAAAAAAAAAAAAAA7777")
