"""What each of our processes asks of the node, method by method: the rights its macaroon needs, and no more.

Source: lightning.md section 2. Needs neither Django nor settings: the simulated node bakes from the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from lightning.proto import methods
from lightning.proto.methods import Method


class AccessScope(StrEnum):
    """What a process may ask of the node: one macaroon each, with no right beyond it."""

    PAYING = "paying"
    INVOICING = "invoicing"
    READONLY = "readonly"


NEEDED: Mapping[AccessScope, tuple[Method[Any, Any], ...]] = {
    AccessScope.PAYING: (
        methods.SEND_PAYMENT_V2,
        methods.TRACK_PAYMENT_V2,
        methods.LIST_PAYMENTS,
        methods.DECODE_PAY_REQ,
        methods.CHANNEL_BALANCE,
        methods.GET_INFO,
    ),
    AccessScope.INVOICING: (
        methods.ADD_INVOICE,
        methods.LOOKUP_INVOICE,
        methods.LIST_INVOICES,
        methods.SUBSCRIBE_INVOICES,
        methods.CANCEL_INVOICE,
        methods.GET_INFO,
    ),
    AccessScope.READONLY: (methods.GET_INFO, methods.CHANNEL_BALANCE),
}


def uris_of(errand: AccessScope) -> tuple[str, ...]:
    """Return what an operator writes after `lncli bakemacaroon` for this errand."""
    return tuple(f"uri:{method.path}" for method in NEEDED[errand])
