"""Refusals of the partners: named for the fact. Phones appear only masked, because facts are stored and shown."""

from datetime import datetime

from sunusav.core.errors import Forbidden, Invalid, Missing, Unavailable


class PhoneUnreadable(Invalid):
    """It is no phone number with its country, such as +221771234567."""

    rail: str


class PhoneNotOfPartner(Invalid):
    """The partner does not serve the country of this phone."""

    rail: str
    phone: str
    country: str
    served_countries: list[str]


class PhoneNotMobile(Invalid):
    """The number is not a mobile phone of its country."""

    rail: str
    phone: str


class RecipientUnknown(Invalid):
    """No account of the partner belongs to this phone, or it cannot receive money."""

    rail: str
    phone: str
    reason: str


class RecipientNameDiffers(Invalid):
    """The partner knows the owner of this phone by a name that is not like the one we have."""

    rail: str
    phone: str


class AmountOutsidePartnerRange(Invalid):
    """The partner does not pay, or request, so little or so much at once; `most_xof` is None where none is known."""

    partner: str
    amount_xof: int
    least_xof: int
    most_xof: int | None


class PartnerNotInUse(Missing):
    """This installation uses no partner of that name."""

    partner: str


class WebhookNotAuthentic(Forbidden):
    """Nothing proves that a delivery comes from the partner that it is addressed for."""

    partner: str


class PartnerBalanceUnknown(Unavailable):
    """The partner has not answered lately what it holds for us; the facts are those of its last answer, if any."""

    partner: str
    last_balance: int | None
    last_currency: str
    last_timestamp: datetime | None
    age_seconds: int | None


class FloatMinimumOutOfRange(Invalid):
    """A minimum float cannot be negative, or larger than is plausible."""

    minimum_xof: int
    minimum_days: int
    maximum_xof: int
    maximum_days: int


class FloatMinimumMissing(Missing):
    float_minimum_id: str
