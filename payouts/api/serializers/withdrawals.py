"""What the endpoints of withdrawal links answer."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from sunusav.api.serializers import utc_text
from sunusav.core.money import sats_from_msat
from sunusav.core.qr import lightning_qr_svg
from transfers.types import OpenedWithdrawal, WithdrawalCode, WithdrawalFacts


class OpenedWithdrawalLinkShape(serializers.Serializer[Any]):
    """A link that was just opened. Whoever has `lnurl`, `url` or `qr_svg` can take the money; they are shown once."""

    cycle_id = serializers.CharField()
    lnurl = serializers.CharField()
    url = serializers.CharField()
    amount_sats = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    qr_svg = serializers.CharField()


class WithdrawalLinkShape(serializers.Serializer[Any]):
    """How a link stands: `open`, `redeemed`, `taken` (its payout was asked for), `refused`, `expired`, `revoked`."""

    cycle_id = serializers.CharField()
    status = serializers.CharField()
    amount_sats = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    redeemed_at = serializers.DateTimeField(allow_null=True)
    payout_id = serializers.IntegerField(allow_null=True)
    error_code = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)


def opened_withdrawal_answer(
    cycle_id: str, opened: OpenedWithdrawal, shown: WithdrawalCode
) -> dict[str, Any]:
    return {
        "cycle_id": cycle_id,
        "lnurl": shown.code,
        "url": shown.link,
        "amount_sats": sats_from_msat(opened.amount_msat),
        "expires_at": utc_text(opened.expires_at),
        "qr_svg": lightning_qr_svg(shown.code),
    }


def withdrawal_answer(cycle_id: str, link: WithdrawalFacts, *, now: datetime) -> dict[str, Any]:
    return {
        "cycle_id": cycle_id,
        "status": link.state_at(now),
        "amount_sats": sats_from_msat(link.amount_msat),
        "opened_at": utc_text(link.opened_at),
        "expires_at": utc_text(link.expires_at),
        "redeemed_at": utc_text(link.redeemed_at) if link.redeemed_at else None,
        "payout_id": link.disbursement_id,
        "error_code": link.failure_code or None,
        "error_message": link.failure_message or None,
    }
