"""Answers of groups, cycles, contributions and payouts."""

from typing import Any

from rest_framework import serializers

from payouts.api.serializers.failures import FailureTextField
from payouts.enums import NOT_INITIATED, ContributionStatus, CycleStatus
from payouts.types import PayoutFacts
from sunusav.api.answers import AnswerSerializer, DecimalTextField, OptionalTextField, XofTextField
from sunusav.api.serializers import ChoiceOf, UtcDateTimeField
from transfers.enums import DisbursementState


class GroupAnswer(AnswerSerializer):
    """A group. `is_verified` is proposed by one person and approved by another."""

    id = serializers.CharField()
    name = serializers.CharField()
    country = serializers.CharField()
    settlement_partner = serializers.CharField()
    skip_non_working_days = serializers.BooleanField()
    is_verified = serializers.BooleanField()
    created_at = UtcDateTimeField()


class GroupWithMembersAnswer(GroupAnswer):
    """A group with its members' identifiers."""

    members = serializers.ListField(child=serializers.CharField())


class MemberAnswer(AnswerSerializer):
    """A member; name and phone are masked."""

    group_id = serializers.CharField()
    user_id = serializers.CharField()
    display_name = serializers.CharField(source="masked_name")
    phone = serializers.CharField(source="masked_phone")


class LeftMemberAnswer(MemberAnswer):
    """A member who left the group."""

    left_at = UtcDateTimeField()


class PersonAnswer(AnswerSerializer):
    """A person; name and phone are masked. `groups` are those they are in now."""

    user_id = serializers.CharField()
    display_name = serializers.CharField(source="masked_name")
    phone = serializers.CharField(source="masked_phone")
    phone_replaced_at = UtcDateTimeField(allow_null=True)
    groups = serializers.ListField(child=serializers.CharField())


class DestinationAnswer(AnswerSerializer):
    """Where a winner is paid; the value is masked."""

    rail = serializers.CharField()
    kind = serializers.CharField()
    value = serializers.CharField(source="masked_value")


class CycleAnswer(AnswerSerializer):
    """A cycle with its present status."""

    id = serializers.CharField()
    group_id = serializers.CharField()
    cycle_index = serializers.IntegerField()
    contribution_sats = serializers.IntegerField()
    winner_user_id = serializers.CharField()
    members_count = serializers.IntegerField()
    payout_total_sats = serializers.IntegerField()
    status = ChoiceOf(CycleStatus.values)
    contributions_due = serializers.IntegerField(source="members_count")
    contributions_settled = serializers.IntegerField()
    closed_short = serializers.BooleanField(source="is_short")
    destination = DestinationAnswer(allow_null=True)
    destination_replaced_at = UtcDateTimeField(allow_null=True)
    second_choice = DestinationAnswer(allow_null=True)
    error_message = FailureTextField(source="payout_failure")
    created_at = UtcDateTimeField()
    ready_at = UtcDateTimeField(allow_null=True)
    cancelled_at = UtcDateTimeField(allow_null=True)


class CycleWithNetAnswer(CycleAnswer):
    """A cycle with the net that its winner will get, once it is ready."""

    expected_net_sats = serializers.IntegerField(allow_null=True)


class ContributionAnswer(AnswerSerializer):
    """What a member owes a cycle, what their credit paid of it, and how to pay the rest.

    `amount_xof` is what a method in francs asks for.
    """

    id = serializers.IntegerField()
    cycle_id = serializers.CharField()
    user_id = serializers.CharField()
    amount_sats = serializers.IntegerField()
    amount_xof = serializers.IntegerField(allow_null=True)
    credit_used_sats = serializers.IntegerField()
    status = ChoiceOf(ContributionStatus.values)
    method = serializers.CharField()
    payment_request = serializers.CharField()
    checkout_url = serializers.CharField()
    expires_at = UtcDateTimeField(allow_null=True)
    settled_at = UtcDateTimeField(allow_null=True)


class ProcessAnswer(AnswerSerializer):
    """A payout that was requested: completed, or in progress."""

    payout_id = serializers.IntegerField(source="id")
    cycle_id = serializers.CharField()
    payout_total = serializers.IntegerField(source="payout_total_sats")
    sats_fee = serializers.IntegerField(source="fee_sats", allow_null=True)
    net_payout = serializers.IntegerField(source="net_sats", allow_null=True)
    platform_share = serializers.IntegerField(source="fee.split.platform_sats", allow_null=True)
    community_share = serializers.IntegerField(source="fee.split.community_sats", allow_null=True)
    partner_reserved = serializers.IntegerField(source="fee.split.partner_sats", allow_null=True)
    lightning_payment_hash = OptionalTextField(source="payment_hash")
    status = ChoiceOf(DisbursementState.values)


class ScheduleStatusField(ChoiceOf):
    """Whether the order waits for its moment, or is due already."""

    def __init__(self) -> None:
        super().__init__(("scheduled", "queued"))

    def to_representation(self, value: Any) -> str:
        return "scheduled" if value == DisbursementState.SCHEDULED else "queued"


class ScheduleAnswer(AnswerSerializer):
    """A payout that is scheduled or queued. `task_id` names its order."""

    task_id = serializers.SerializerMethodField()
    payout_id = serializers.IntegerField(source="id")
    cycle_id = serializers.CharField()
    status = ScheduleStatusField()
    scheduled_at = UtcDateTimeField()

    def get_task_id(self, payout: PayoutFacts) -> str:
        return f"payout:{payout.id}"


class PayoutStatusAnswer(AnswerSerializer):
    """The status of a cycle and its payout."""

    cycle_id = serializers.CharField()
    cycle_status = ChoiceOf(CycleStatus.values)
    payout_id = serializers.IntegerField(source="payout.id", allow_null=True)
    payout_status = ChoiceOf((NOT_INITIATED, *DisbursementState.values))
    payout_method = serializers.CharField(source="payout.rail", allow_null=True)
    lightning_payment_hash = OptionalTextField(source="payout.payment_hash")
    error_message = FailureTextField(source="payout.failure")
    created_at = UtcDateTimeField(source="payout.created_at", allow_null=True)
    completed_at = UtcDateTimeField(source="payout.completed_at", allow_null=True)


class PayoutAnswer(AnswerSerializer):
    """A payout in a list."""

    id = serializers.IntegerField()
    cycle_id = serializers.CharField()
    group_id = serializers.CharField()
    status = ChoiceOf(DisbursementState.values)
    payout_total = serializers.IntegerField(source="payout_total_sats")
    sats_fee = serializers.IntegerField(source="fee_sats", allow_null=True)
    net_payout = serializers.IntegerField(source="net_sats", allow_null=True)
    payout_method = serializers.CharField(source="rail")
    lightning_payment_hash = OptionalTextField(source="payment_hash")
    attempts = serializers.IntegerField(source="attempts_made")
    error_code = OptionalTextField(source="failure.code")
    error_message = FailureTextField(source="failure")
    scheduled_at = UtcDateTimeField()
    created_at = UtcDateTimeField()
    completed_at = UtcDateTimeField(allow_null=True)


class PayoutWithSplitAnswer(PayoutAnswer):
    """A payout with the parts of its fee, and the fee schedule that set them."""

    platform_share = serializers.IntegerField(source="fee.split.platform_sats", allow_null=True)
    community_share = serializers.IntegerField(source="fee.split.community_sats", allow_null=True)
    partner_reserved = serializers.IntegerField(source="fee.split.partner_sats", allow_null=True)
    schedule_version = serializers.IntegerField(source="fee.schedule_version", allow_null=True)


class JournalTransactionAnswer(AnswerSerializer):
    """A journal transaction that proves a part of a payout."""

    transaction_id = serializers.IntegerField()
    kind = serializers.CharField()


class ReceiptAnswer(AnswerSerializer):
    """The receipt of a payout, for the group's members."""

    payout_id = serializers.IntegerField()
    status = ChoiceOf(DisbursementState.values)
    cycle_id = serializers.CharField()
    cycle_index = serializers.IntegerField()
    group_id = serializers.CharField()
    group_name = serializers.CharField()
    winner_user_id = serializers.CharField()
    payout_total = serializers.IntegerField(source="payout_total_sats")
    sats_fee = serializers.IntegerField(source="split.fee_sats")
    platform_share = serializers.IntegerField(source="split.platform_sats")
    community_share = serializers.IntegerField(source="split.community_sats")
    partner_reserved = serializers.IntegerField(source="split.partner_sats")
    contributions_due = serializers.IntegerField()
    contributions_settled = serializers.IntegerField()
    closed_short = serializers.BooleanField(source="is_short")
    settlement_partner = serializers.CharField()
    net_payout = serializers.IntegerField(source="split.net_sats")
    net_payout_xof = XofTextField(source="net_xof")
    group_verified = serializers.BooleanField(source="is_verified_group")
    user_recurring = serializers.BooleanField(source="is_recurring_user")
    schedule_version = serializers.IntegerField()
    btc_xof_rate = DecimalTextField(source="rate_xof_per_btc")
    is_fallback_rate = serializers.BooleanField()
    payout_method = serializers.CharField(source="rail")
    paid_xof = serializers.IntegerField(allow_null=True)
    credited_msat = serializers.IntegerField()
    payment_reference = serializers.CharField(source="reference")
    payment_proof = serializers.CharField(source="proof")
    lightning_payment_hash = OptionalTextField(source="payment_hash")
    preimage = OptionalTextField()
    requested_at = UtcDateTimeField()
    fee_fixed_at = UtcDateTimeField()
    completed_at = UtcDateTimeField()
    journal = JournalTransactionAnswer(source="movements", many=True)
