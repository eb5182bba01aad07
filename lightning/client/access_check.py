"""Check a macaroon against the node with read-only calls: only the node knows the root key that signed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from lightning.access_scopes import AccessScope
from lightning.client.access import NodeAccess
from lightning.client.errors import NodeError, NodeMacaroonRefused, NodeMisconfigured, NodeRefused
from lightning.client.lnd import LndClient
from lightning.macaroon_format import MacaroonUnreadable
from lightning.macaroons import assess, missing_methods, read_macaroon

# No payment and no invoice has this hash: its preimage is unknown.
UNKNOWN_HASH = bytes(32)


def access_errors(scope: AccessScope, access: NodeAccess) -> list[NodeError]:
    """Make the read-only calls of a scope; return the errors of those that failed.

    CheckMacaroonPermissions would need a right that none of our processes should have.
    """
    client = LndClient(access)
    return [error for call in _CALLS[scope] if (error := _error_of(call, client)) is not None]


def require_methods(scope: AccessScope, access: NodeAccess) -> None:
    """Require that a macaroon grants every method of its scope, by its own contents. Calls no node.

    Caveats, and a macaroon that we cannot read, are left to the node: it judges them at any call.
    Raises: NodeMisconfigured.
    """
    try:
        missing = missing_methods(read_macaroon(access.macaroon()), scope)
    except MacaroonUnreadable:
        return
    if missing:
        raise NodeMisconfigured(f"the {scope} macaroon: missing: {', '.join(missing)}")


def macaroon_error(scope: AccessScope, access: NodeAccess, *, now: datetime) -> str:
    """Return why a scope's macaroon is unreadable, lacks a right or is refused; "" if the node accepts it.

    It is read first, so that the rights to change something are compared as well. A node that does not answer refuses
    nothing.
    """
    try:
        missing = assess(read_macaroon(access.macaroon()), scope, now=now).missing
    except (NodeMisconfigured, MacaroonUnreadable) as error:
        return str(error)
    if missing:
        return f"missing: {', '.join(missing)}"
    client = LndClient(access)
    for call in _CALLS[scope]:
        if refused := _error_of(call, client):
            return str(refused) if isinstance(refused, NodeMacaroonRefused) else ""
    return ""


def _error_of(call: Callable[[LndClient], object], client: LndClient) -> NodeError | None:
    try:
        call(client)
    except NodeRefused as refused:
        return None if refused.is_invoice_not_found else refused
    except NodeError as error:
        return error
    return None


def _get_info(client: LndClient) -> object:
    return client.get_info()


def _balance(client: LndClient) -> object:
    return client.channel_balance()


def _channels(client: LndClient) -> object:
    return client.list_channels()


def _track(client: LndClient) -> object:
    with client.track_payment(UNKNOWN_HASH) as stream:
        return next(iter(stream), None)


def _look_up(client: LndClient) -> object:
    return client.lookup_invoice(UNKNOWN_HASH)


_CALLS: Mapping[AccessScope, tuple[Callable[[LndClient], object], ...]] = {
    AccessScope.PAYING: (_get_info, _balance, _channels, _track),
    AccessScope.INVOICING: (_get_info, _look_up),
    AccessScope.READONLY: (_get_info, _balance, _channels),
}
