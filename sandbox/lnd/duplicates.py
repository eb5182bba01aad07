"""How LND refuses a payment whose hash it already has, by status, release and store.

Source: lightningnetwork/lnd payments/db/payment_status.go, lnrpc/routerrpc/router_server.go.
"""

import grpc

from lightning.proto.lightning_pb2 import Payment
from sandbox.lnd.errors import Refusal
from sandbox.lnd.node_state import NodeOptions

TEXTS: dict[int, str] = {
    Payment.INITIATED: "payment already exists",
    Payment.IN_FLIGHT: "payment is in transition",
    Payment.SUCCEEDED: "invoice is already paid",
}
PAID_TEXTS = (TEXTS[Payment.IN_FLIGHT], TEXTS[Payment.SUCCEEDED])  # it was paid, or is being paid
# 0.17 answers a duplicate with UNKNOWN instead of ALREADY_EXISTS; 0.18 added the status INITIATED.
WITHOUT_CODE, STATUS_INITIATED_SINCE = 17, 18
SQL_PREFIX = "failed to initialize payment: "  # sql_store.go InitPayment


def duplicate_refusal(status: int, options: NodeOptions) -> Refusal:
    """Return the refusal of a payment while its hash has this status, which is not FAILED."""
    is_unnamed = status == Payment.INITIATED and options.minor < STATUS_INITIATED_SINCE
    text = TEXTS[Payment.IN_FLIGHT if is_unnamed else status]
    if options.payment_store == "sql":
        text = SQL_PREFIX + text
    has_no_code = options.minor == WITHOUT_CODE
    return Refusal(text, grpc.StatusCode.UNKNOWN if has_no_code else grpc.StatusCode.ALREADY_EXISTS)
