"""Client for LND 0.15 to 0.21: the methods we need, each with a deadline; errors are of five kinds."""

from lightning.access_scopes import AccessScope
from lightning.client.access import NodeAccess, access_for
from lightning.client.calls import NodeStream
from lightning.client.errors import (
    NodeAnswerUnknown,
    NodeError,
    NodeMacaroonRefused,
    NodeMisconfigured,
    NodeRefused,
    NodeTooLate,
    NodeUnavailable,
)
from lightning.client.lnd import LndClient

__all__ = [
    "AccessScope",
    "LndClient",
    "NodeAccess",
    "NodeAnswerUnknown",
    "NodeError",
    "NodeMacaroonRefused",
    "NodeMisconfigured",
    "NodeRefused",
    "NodeStream",
    "NodeTooLate",
    "NodeUnavailable",
    "access_for",
]
