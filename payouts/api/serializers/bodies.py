"""Request bodies and query strings."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from payouts.calculations import international
from payouts.types import Claims
from sunusav.api.serializers import (
    ChoiceOf,
    IdentifierField,
    SatsField,
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
    TextField,
    UtcDateTimeField,
)
from transfers.enums import DisbursementState
from transfers.types import Destination

MAX_CYCLE_INDEX = 1_000_000
MAX_REASON = 500
# Longer than any invoice a wallet makes.
MAX_DESTINATION_LENGTH = 4_000
LIGHTNING = "lightning"
RAILS = (LIGHTNING, "wave", "orange", "mtn")
KINDS = ("bolt11", "lightning_address", "lnurl", "phone")
_COUNTRY = re.compile(r"[A-Z]{2}")


@extend_schema_field({"type": "string", "pattern": "^[A-Z]{2}$", "example": "SN"})
class CountryField(serializers.Field[str, Any, str, Any]):
    """A country code of two letters (ISO 3166-1 alpha-2)."""

    default_error_messages = {"invalid": "Two capital letters such as SN are required."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not _COUNTRY.fullmatch(data):
            self.fail("invalid")
        return str(data)

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field({"type": "string", "example": "+221771234567"})
class PhoneField(serializers.Field[str, Any, str, Any]):
    """A phone number with its country (E.164), such as +221771234567."""

    default_error_messages = {"invalid": "A phone number such as +221771234567 is required."}

    def to_internal_value(self, data: Any) -> str:
        number = international(data) if isinstance(data, str) else None
        if number is None:
            self.fail("invalid")
        return str(number)

    def to_representation(self, value: Any) -> str:
        return str(value)


class GroupBody(StrictSerializer):
    id = IdentifierField()
    name = TextField(max_length=120)
    country = CountryField()
    settlement_partner = IdentifierField(required=False)
    skip_non_working_days = StrictBooleanField(default=False)


class ChangesBody(StrictSerializer):
    """Fields to change: one at least. A field that is left out does not change."""

    def validate(self, attrs: Any) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("At least one field to change is required.")
        return dict(attrs)


class GroupChangesBody(ChangesBody):
    name = TextField(max_length=120, required=False)
    settlement_partner = IdentifierField(required=False)


class GroupsQuery(StrictSerializer):
    country = CountryField(required=False)
    settlement_partner = IdentifierField(required=False)


class MemberBody(StrictSerializer):
    user_id = IdentifierField()
    display_name = TextField(max_length=120)
    phone = PhoneField(required=False)


class PersonChangesBody(ChangesBody):
    display_name = TextField(max_length=120, required=False)
    phone = PhoneField(required=False)


class CycleBody(StrictSerializer):
    id = IdentifierField()
    group_id = IdentifierField()
    cycle_index = StrictIntegerField(max_value=MAX_CYCLE_INDEX)
    contribution_sats = SatsField()
    winner_user_id = IdentifierField()


class CyclesQuery(StrictSerializer):
    group_id = IdentifierField(required=False)
    winner_user_id = IdentifierField(required=False)


class ChoiceBody(StrictSerializer):
    """An invoice for exactly the net (`bolt11`), or an address that provides one when the payout is due."""

    rail = ChoiceOf(RAILS)
    kind = ChoiceOf(KINDS)
    value = TextField(max_length=MAX_DESTINATION_LENGTH)


class DestinationBody(ChoiceBody):
    """Where the winner is paid; `second_choice` is paid if that is finally refused."""

    second_choice = ChoiceBody(required=False)

    def validate(self, attrs: Any) -> dict[str, Any]:
        second = attrs.pop("second_choice", None)
        return {
            "destination": Destination(**attrs),
            "second_choice": Destination(**second) if second else None,
        }


class WinnerBody(StrictSerializer):
    winner_user_id = IdentifierField()
    reason = TextField(max_length=MAX_REASON)


class RefundBody(StrictSerializer):
    """How much of a member's credit is paid out, and where."""

    amount_sats = SatsField()
    destination = ChoiceBody()
    reason = TextField(max_length=MAX_REASON)

    def validate(self, attrs: Any) -> dict[str, Any]:
        return {**attrs, "destination": Destination(**attrs["destination"])}


class ContributionBody(StrictSerializer):
    """How a member pays. `phone` is for mobile money; with `lightning` it is refused, since it has no use there.

    The member's credit pays first, unless `use_credit` is false.
    """

    user_id = IdentifierField()
    method = ChoiceOf(RAILS)
    phone = PhoneField(required=False)
    use_credit = StrictBooleanField(default=True)

    def validate(self, attrs: Any) -> dict[str, Any]:
        if "phone" in attrs and attrs["method"] == LIGHTNING:
            raise serializers.ValidationError({"phone": "A Lightning invoice needs no phone: leave it out."})
        return dict(attrs)


class ProcessBody(StrictSerializer):
    cycle_id = IdentifierField()
    group_verified = StrictBooleanField(required=False)
    user_recurring = StrictBooleanField(required=False)

    def validate(self, attrs: Any) -> dict[str, Any]:
        return {"cycle_id": attrs.pop("cycle_id"), "claims": Claims(**attrs)}


class ScheduleBody(StrictSerializer):
    cycle_id = IdentifierField()
    scheduled_at = UtcDateTimeField(required=False)


class PayoutsQuery(StrictSerializer):
    status = ChoiceOf(tuple(DisbursementState.values), required=False)
    group_id = IdentifierField(required=False)
    cycle_id = IdentifierField(required=False)
