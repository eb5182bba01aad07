import pytest

from partners.errors import PhoneNotMobile, PhoneNotOfPartner, PhoneUnreadable
from partners.phones import read_phone

SENEGAL = ("SN",)


@pytest.mark.parametrize(
    "text", ["+221771234567", "+221 77 123 45 67", "+221-77-123-45-67", " +221771234567 "]
)
def test_phone_is_read_in_one_form(text: str) -> None:
    phone = read_phone(text, rail="wave", countries=SENEGAL)

    assert (phone.e164, phone.national, phone.digits, phone.country) == (
        "+221771234567", "771234567", "221771234567", "SN",
    )  # fmt: skip


def test_ivorian_phone_keeps_its_leading_zero() -> None:
    phone = read_phone("+2250707070707", rail="mtn", countries=("CI", "BJ"))

    assert (phone.national, phone.digits) == ("0707070707", "2250707070707")


@pytest.mark.parametrize(
    "text", ["771234567", "00221771234567", "", "+221", "+22177CALLME1", "+221771234567 ext. 3"]
)
def test_unreadable_phone_is_refused(text: str) -> None:
    with pytest.raises(PhoneUnreadable):
        read_phone(text, rail="wave", countries=SENEGAL)


def test_phone_of_another_country_is_refused_masked() -> None:
    with pytest.raises(PhoneNotOfPartner) as refused:
        read_phone("+2250707070707", rail="wave", countries=SENEGAL)

    assert refused.value.facts == {
        "rail": "wave", "phone": "+225070•••••07", "country": "CI", "served_countries": ["SN"],
    }  # fmt: skip


def test_landline_is_refused() -> None:
    with pytest.raises(PhoneNotMobile):
        read_phone("+221338212345", rail="wave", countries=SENEGAL)


def test_phone_shows_itself_masked() -> None:
    phone = read_phone("+221771234567", rail="wave", countries=SENEGAL)

    assert "771234567" not in f"{phone} {phone!r}"
