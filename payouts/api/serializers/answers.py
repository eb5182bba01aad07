"""What the endpoints of this room answer: a shape for the documentation, a function that writes it."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from fees.types import FixedFee
from payouts.types import (
    ContributionFacts,
    CycleFacts,
    GroupFacts,
    MemberFacts,
    PayoutFacts,
    PayoutStatus,
    Receipt,
)
from sunusav.api.serializers import utc_text
from sunusav.core.privacy import mask_phone
from transfers.types import Destination

Answer = dict[str, Any]


class GroupShape(serializers.Serializer[Any]):
    """A group; `is_verified` is decided by two people."""

    id = serializers.CharField()
    name = serializers.CharField()
    country = serializers.CharField()
    settlement_partner = serializers.CharField()
    skip_non_working_days = serializers.BooleanField()
    is_verified = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class GroupWithMembersShape(GroupShape):
    """A group with its members' identifiers."""

    members = serializers.ListField(child=serializers.CharField())


class MemberShape(serializers.Serializer[Any]):
    """A member; name and phone are masked."""

    group_id = serializers.CharField()
    user_id = serializers.CharField()
    display_name = serializers.CharField()
    phone = serializers.CharField()


class DestinationShape(serializers.Serializer[Any]):
    """Where a winner is paid; a phone is masked."""

    rail = serializers.CharField()
    kind = serializers.CharField()
    value = serializers.CharField()


class CycleShape(serializers.Serializer[Any]):
    """A cycle as it stands."""

    id = serializers.CharField()
    group_id = serializers.CharField()
    cycle_index = serializers.IntegerField()
    contribution_sats = serializers.IntegerField()
    winner_user_id = serializers.CharField()
    members_count = serializers.IntegerField()
    payout_total_sats = serializers.IntegerField()
    status = serializers.CharField()
    contributions_due = serializers.IntegerField()
    contributions_settled = serializers.IntegerField()
    destination = DestinationShape(allow_null=True)
    destination_replaced_at = serializers.DateTimeField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)


class CycleWithNetShape(CycleShape):
    """A cycle with what its winner gets once it is ready."""

    expected_net_sats = serializers.IntegerField(allow_null=True)


class ContributionShape(serializers.Serializer[Any]):
    """What a member owes a cycle, and how it can be paid."""

    id = serializers.IntegerField()
    cycle_id = serializers.CharField()
    user_id = serializers.CharField()
    amount_sats = serializers.IntegerField()
    status = serializers.CharField()
    method = serializers.CharField()
    payment_request = serializers.CharField()
    checkout_url = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)


class ProcessShape(serializers.Serializer[Any]):
    """A payout that was asked for: completed, or under way."""

    payout_id = serializers.IntegerField()
    cycle_id = serializers.CharField()
    payout_total = serializers.IntegerField()
    sats_fee = serializers.IntegerField(allow_null=True)
    net_payout = serializers.IntegerField(allow_null=True)
    platform_share = serializers.IntegerField(allow_null=True)
    community_share = serializers.IntegerField(allow_null=True)
    partner_reserved = serializers.IntegerField(allow_null=True)
    lightning_payment_hash = serializers.CharField(allow_null=True)
    status = serializers.CharField()


class ScheduleShape(serializers.Serializer[Any]):
    """An order that waits; `task_id` names it."""

    task_id = serializers.CharField()
    payout_id = serializers.IntegerField()
    cycle_id = serializers.CharField()
    status = serializers.CharField()
    scheduled_at = serializers.DateTimeField()


class PayoutStatusShape(serializers.Serializer[Any]):
    """How a cycle's payout stands."""

    cycle_id = serializers.CharField()
    cycle_status = serializers.CharField()
    payout_id = serializers.IntegerField(allow_null=True)
    payout_status = serializers.CharField()
    payout_method = serializers.CharField(allow_null=True)
    lightning_payment_hash = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)


class PayoutShape(serializers.Serializer[Any]):
    """A payout in a list."""

    id = serializers.IntegerField()
    cycle_id = serializers.CharField()
    group_id = serializers.CharField()
    status = serializers.CharField()
    payout_total = serializers.IntegerField()
    sats_fee = serializers.IntegerField(allow_null=True)
    net_payout = serializers.IntegerField(allow_null=True)
    payout_method = serializers.CharField()
    lightning_payment_hash = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField()
    error_code = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    scheduled_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class PayoutWithSplitShape(PayoutShape):
    """A payout with its fee's parts and the schedule they come from."""

    platform_share = serializers.IntegerField(allow_null=True)
    community_share = serializers.IntegerField(allow_null=True)
    partner_reserved = serializers.IntegerField(allow_null=True)
    schedule_version = serializers.IntegerField(allow_null=True)


class ReceiptShape(serializers.Serializer[Any]):
    """The receipt of a payout, for the group's members."""

    payout_id = serializers.IntegerField()
    status = serializers.CharField()
    cycle_id = serializers.CharField()
    cycle_index = serializers.IntegerField()
    group_id = serializers.CharField()
    group_name = serializers.CharField()
    winner_user_id = serializers.CharField()
    payout_total = serializers.IntegerField()
    sats_fee = serializers.IntegerField()
    platform_share = serializers.IntegerField()
    community_share = serializers.IntegerField()
    partner_reserved = serializers.IntegerField()
    settlement_partner = serializers.CharField()
    net_payout = serializers.IntegerField()
    net_payout_xof = serializers.CharField()
    group_verified = serializers.BooleanField()
    user_recurring = serializers.BooleanField()
    schedule_version = serializers.IntegerField()
    btc_xof_rate = serializers.CharField()
    is_fallback_rate = serializers.BooleanField()
    payout_method = serializers.CharField()
    lightning_payment_hash = serializers.CharField()
    preimage = serializers.CharField()
    requested_at = serializers.DateTimeField()
    fee_fixed_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField()
    journal = serializers.ListField(child=serializers.DictField())


def group_answer(group: GroupFacts) -> Answer:
    return {
        "id": group.id,
        "name": group.name,
        "country": group.country,
        "settlement_partner": group.settlement_partner,
        "skip_non_working_days": group.skip_non_working_days,
        "is_verified": group.is_verified,
        "created_at": utc_text(group.created_at),
    }


def member_answer(member: MemberFacts) -> Answer:
    return {
        "group_id": member.group_id,
        "user_id": member.user_id,
        "display_name": member.masked_name,
        "phone": member.masked_phone,
    }


def cycle_answer(cycle: CycleFacts) -> Answer:
    return {
        "id": cycle.id,
        "group_id": cycle.group_id,
        "cycle_index": cycle.cycle_index,
        "contribution_sats": cycle.contribution_sats,
        "winner_user_id": cycle.winner_user_id,
        "members_count": cycle.members_count,
        "payout_total_sats": cycle.payout_total_sats,
        "status": cycle.status,
        "contributions_due": cycle.members_count,
        "contributions_settled": cycle.contributions_settled,
        "destination": _destination(cycle.destination),
        "destination_replaced_at": _moment(cycle.destination_replaced_at),
        "error_message": cycle.payout_failure_message or None,
        "created_at": utc_text(cycle.created_at),
        "ready_at": _moment(cycle.ready_at),
    }


def contribution_answer(owed: ContributionFacts) -> Answer:
    return {
        "id": owed.id,
        "cycle_id": owed.cycle_id,
        "user_id": owed.user_id,
        "amount_sats": owed.amount_sats,
        "status": owed.status,
        "method": owed.method,
        "payment_request": owed.payment_request,
        "checkout_url": owed.checkout_url,
        "expires_at": _moment(owed.expires_at),
        "settled_at": _moment(owed.settled_at),
    }


def process_answer(payout: PayoutFacts, fee: FixedFee | None) -> Answer:
    return {
        "payout_id": payout.id,
        "cycle_id": payout.cycle_id,
        "payout_total": payout.payout_total_sats,
        "sats_fee": payout.fee_sats,
        "net_payout": payout.net_sats,
        **_shares(fee),
        "lightning_payment_hash": payout.payment_hash or None,
        "status": payout.status,
    }


def schedule_answer(payout: PayoutFacts) -> Answer:
    return {
        "task_id": f"payout:{payout.id}",
        "payout_id": payout.id,
        "cycle_id": payout.cycle_id,
        "status": "scheduled" if payout.status == "scheduled" else "queued",
        "scheduled_at": utc_text(payout.scheduled_at),
    }


def payout_status_answer(told: PayoutStatus) -> Answer:
    payout = told.payout
    return {
        "cycle_id": told.cycle_id,
        "cycle_status": told.cycle_status,
        "payout_id": payout.id if payout else None,
        "payout_status": told.payout_status,
        "payout_method": payout.rail if payout else None,
        "lightning_payment_hash": (payout.payment_hash or None) if payout else None,
        "error_message": (payout.failure_message or None) if payout else None,
        "created_at": utc_text(payout.created_at) if payout else None,
        "completed_at": _moment(payout.completed_at) if payout else None,
    }


def payout_answer(payout: PayoutFacts) -> Answer:
    return {
        "id": payout.id,
        "cycle_id": payout.cycle_id,
        "group_id": payout.group_id,
        "status": payout.status,
        "payout_total": payout.payout_total_sats,
        "sats_fee": payout.fee_sats,
        "net_payout": payout.net_sats,
        "payout_method": payout.rail,
        "lightning_payment_hash": payout.payment_hash or None,
        "attempts": payout.attempts_made,
        "error_code": payout.failure_code or None,
        "error_message": payout.failure_message or None,
        "scheduled_at": utc_text(payout.scheduled_at),
        "created_at": utc_text(payout.created_at),
        "completed_at": _moment(payout.completed_at),
    }


def payout_with_split_answer(payout: PayoutFacts, fee: FixedFee | None) -> Answer:
    version = fee.schedule_version if fee else None
    return {**payout_answer(payout), **_shares(fee), "schedule_version": version}


def receipt_answer(receipt: Receipt) -> Answer:
    return {
        "payout_id": receipt.payout_id,
        "status": receipt.status,
        "cycle_id": receipt.cycle_id,
        "cycle_index": receipt.cycle_index,
        "group_id": receipt.group_id,
        "group_name": receipt.group_name,
        "winner_user_id": receipt.winner_user_id,
        "payout_total": receipt.payout_total_sats,
        "sats_fee": receipt.split.fee_sats,
        "platform_share": receipt.split.platform_sats,
        "community_share": receipt.split.community_sats,
        "partner_reserved": receipt.split.partner_sats,
        "settlement_partner": receipt.settlement_partner,
        "net_payout": receipt.split.net_sats,
        "net_payout_xof": f"{receipt.net_xof:f}",
        "group_verified": receipt.is_verified_group,
        "user_recurring": receipt.is_recurring_user,
        "schedule_version": receipt.schedule_version,
        "btc_xof_rate": f"{receipt.rate_xof_per_btc.normalize():f}",
        "is_fallback_rate": receipt.is_fallback_rate,
        "payout_method": receipt.rail,
        "lightning_payment_hash": receipt.payment_hash,
        "preimage": receipt.preimage,
        "requested_at": utc_text(receipt.requested_at),
        "fee_fixed_at": utc_text(receipt.fee_fixed_at),
        "completed_at": utc_text(receipt.completed_at),
        "journal": [
            {"transaction_id": movement.transaction_id, "kind": movement.kind}
            for movement in receipt.movements
        ],
    }


def _shares(fee: FixedFee | None) -> Answer:
    return {
        "platform_share": fee.split.platform_sats if fee else None,
        "community_share": fee.split.community_sats if fee else None,
        "partner_reserved": fee.split.partner_sats if fee else None,
    }


def _destination(destination: Destination | None) -> Answer | None:
    if destination is None:
        return None
    value = mask_phone(destination.value) if destination.kind == "phone" else destination.value
    return {"rail": destination.rail, "kind": destination.kind, "value": value}


def _moment(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None
