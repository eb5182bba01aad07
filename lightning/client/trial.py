"""Try a macaroon on the node by calls that change nothing: the node alone knows the root key it was made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lightning.access_scopes import AccessScope
from lightning.client.access import NodeAccess
from lightning.client.errors import NodeError, NodeRefused
from lightning.client.lnd import LndClient

# No payment and no invoice has this hash: nobody knows what hashes to it.
NOBODYS_HASH = bytes(32)


def try_access_scope(errand: AccessScope, access: NodeAccess) -> list[NodeError]:
    """Make the cheap reading calls of an errand; return what the node had against them.

    CheckMacaroonPermissions would need a right that no process of ours should have.
    """
    client = LndClient(access)
    return [error for call in _CALLS[errand] if (error := _refusal_of(call, client)) is not None]


def _refusal_of(call: Callable[[LndClient], object], client: LndClient) -> NodeError | None:
    try:
        call(client)
    except NodeRefused as refused:
        return None if refused.knows_no_invoice else refused
    except NodeError as error:
        return error
    return None


def _get_info(client: LndClient) -> object:
    return client.get_info()


def _balance(client: LndClient) -> object:
    return client.channel_balance()


def _track(client: LndClient) -> object:
    with client.track_payment(NOBODYS_HASH) as stream:
        return next(iter(stream), None)


def _look_up(client: LndClient) -> object:
    return client.lookup_invoice(NOBODYS_HASH)


_CALLS: Mapping[AccessScope, tuple[Callable[[LndClient], object], ...]] = {
    AccessScope.PAYING: (_get_info, _balance, _track),
    AccessScope.INVOICING: (_get_info, _look_up),
    AccessScope.READONLY: (_get_info, _balance),
}
