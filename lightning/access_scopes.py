"""The LND methods that each kind of process calls: the rights its macaroon needs, and no more.

Needs neither Django nor settings: the simulated node uses the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from lightning.proto import methods
from lightning.proto.methods import Method


class AccessScope(StrEnum):
    """A set of LND methods. Each scope has its own macaroon, which grants these methods only."""

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
        methods.LIST_CHANNELS,
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
    AccessScope.READONLY: (methods.GET_INFO, methods.CHANNEL_BALANCE, methods.LIST_CHANNELS),
}


def uris_of(scope: AccessScope) -> tuple[str, ...]:
    """Return the arguments of `lncli bakemacaroon` for this scope."""
    return tuple(f"uri:{method.path}" for method in NEEDED[scope])
