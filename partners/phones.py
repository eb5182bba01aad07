"""Phone numbers as partners need them: mobile, of a country that the partner serves. Nothing is repaired silently."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from partners.errors import PhoneNotMobile, PhoneNotOfPartner, PhoneUnreadable
from sunusav.core.privacy import mask_phone

MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


@dataclass(frozen=True)
class Phone:
    """A valid mobile number. `e164` is +221771234567, `national` 771234567, `country` SN."""

    e164: str = field(repr=False)
    national: str = field(repr=False)
    country: str

    @property
    def digits(self) -> str:
        """The number with its country code, without the plus."""
        return self.e164[1:]

    def __str__(self) -> str:
        return mask_phone(self.e164)


def read_phone(text: str, *, rail: str, countries: Collection[str]) -> Phone:
    """Read a number that is written with its country code; blanks, dots and hyphens between digits are allowed.

    Raises: PhoneUnreadable, PhoneNotOfPartner, PhoneNotMobile.
    """
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        raise PhoneUnreadable(rail=rail) from None
    has_letters = any(character.isalpha() for character in text)
    if has_letters or number.extension or not phonenumbers.is_possible_number(number):
        raise PhoneUnreadable(rail=rail)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_number(number) or ""
    if country not in countries:
        raise PhoneNotOfPartner(
            rail=rail, phone=mask_phone(e164), country=country, served_countries=sorted(countries)
        )
    if phonenumbers.number_type(number) not in MOBILE:
        raise PhoneNotMobile(rail=rail, phone=mask_phone(e164))
    return Phone(e164, phonenumbers.national_significant_number(number), country)
