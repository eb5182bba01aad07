"""Validate SendPaymentV2 requests in LND's order and with its texts, before the payment table is read.

Source: lightningnetwork/lnd lnrpc/routerrpc/router_backend.go extractIntentFromSendRequest, zpay32/decode.go.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from lightning import bolt11
from lightning.bolt11 import bech32
from lightning.bolt11 import errors as bolt11_errors
from lightning.proto.router_pb2 import SendPaymentRequest
from sandbox.lnd.errors import Refusal
from sandbox.lnd.messages import MSAT_PER_SAT
from sandbox.lnd.payment_orders import PaymentOrder
from sandbox.lnd.rows import DEFAULT_FINAL_CLTV_DELTA, HASH_BYTES, PUBKEY_BYTES
from sandbox.lnd.world import Node, World

MAX_INVOICE_CHARACTERS = 7089  # zpay32.maxInvoiceLength
DEFAULT_TIMEOUT_SECONDS = 60
DEFAULT_MAX_PARTS, MAX_PARTS_WITH_SHARD_SIZE = 16, 1000
# Since 0.19 a missing timeout means sixty seconds, and a negative fee limit is refused.
STRICT_SINCE = 19
NO_LIMIT_MSAT = 2**62
AMP_BITS = 0b11 << 30
TO_DIGITS = str.maketrans(bech32.CHARSET, bech32.DIGITS)

DECODING_TEXTS: tuple[tuple[type[bolt11.Bolt11Error], str], ...] = (
    (bolt11_errors.MixedCase, "string not all lowercase or all uppercase"),
    (bolt11_errors.SeparatorMissing, "invalid index of 1"),
    (bolt11_errors.InvoiceTooLong, "invoice is too large"),
    (bolt11_errors.InvoiceTooShort, "invoice is too short"),
    (bolt11_errors.NetworkUnknown, "invoice not for current active network"),
    (
        bolt11_errors.PaymentSecretMissing,
        "payment request must contain either a payment address or blinded paths",
    ),
)

_decode = functools.lru_cache(maxsize=4096)(bolt11.decode)


def read_invoice(text: str, world: World) -> bolt11.Invoice:
    """Decode a BOLT11 text as LND does: checksum, signature, then network. Expired invoices are decoded as well."""
    if len(text) > MAX_INVOICE_CHARACTERS:
        raise Refusal("invoice is too large")
    try:
        invoice = _decode(text)
    except bolt11.Bolt11Error as error:
        raise Refusal(_decoding_text(error, text)) from error
    if invoice.network != world.prefix:
        raise Refusal(_network_text(invoice.network, world))
    return invoice


def payment_hash_in(request: SendPaymentRequest) -> bytes:
    """Return the payment hash for scripts and counts, before validation; b"" for an unreadable invoice."""
    if not request.payment_request:
        return request.payment_hash
    try:
        return _decode(request.payment_request).payment_hash
    except bolt11.Bolt11Error:
        return b""


def order_of(request: SendPaymentRequest, node: Node) -> PaymentOrder:
    """Validate a request and return its order, or refuse it with UNKNOWN; the payment table is not read."""
    amount_msat = msat_of(request.amt, request.amt_msat)
    fee_limit_msat = _fee_limit_msat(request, node)
    _check_timeout(request, node)
    order = (
        _order_by_invoice(request, node, amount_msat, fee_limit_msat)
        if request.payment_request
        else _order_by_fields(request, amount_msat, fee_limit_msat)
    )
    if order.payee == node.pubkey and not request.allow_self_payment:
        raise Refusal("self-payments not allowed")
    _check_parts(request, order.value_msat)
    return order


def _fee_limit_msat(request: SendPaymentRequest, node: Node) -> int:
    """Read the limit; releases before 0.19 treat a negative one as no limit."""
    if node.options.minor < STRICT_SINCE and min(request.fee_limit_sat, request.fee_limit_msat) < 0:
        return NO_LIMIT_MSAT
    return msat_of(request.fee_limit_sat, request.fee_limit_msat)


def _check_timeout(request: SendPaymentRequest, node: Node) -> None:
    if request.timeout_seconds < 0:
        raise Refusal("timeout_seconds cannot be negative")
    if not request.timeout_seconds and node.options.minor < STRICT_SINCE:
        raise Refusal("timeout_seconds must be specified")


def _order_by_invoice(
    request: SendPaymentRequest, node: Node, amount_msat: int, fee_limit_msat: int
) -> PaymentOrder:
    for name in ("dest", "payment_hash", "final_cltv_delta"):
        if getattr(request, name):
            raise Refusal(f"{name} and payment_request cannot appear together")
    invoice = read_invoice(request.payment_request, node.world)
    expires_at = invoice.timestamp + invoice.expiry_seconds
    if node.world.clock.now_ns() > expires_at * 10**9:
        raise Refusal(f"invoice expired. Valid until {_as_go_prints(expires_at)}")
    if invoice.amount_msat is None and not amount_msat:
        raise Refusal("amount must be specified when paying a zero amount invoice")
    if invoice.amount_msat is not None and amount_msat:
        raise Refusal("amount must not be specified when paying a non-zero amount invoice")
    if invoice.features & AMP_BITS and not request.amp:
        raise Refusal("the AMP flag (--amp or SendPaymentRequest.Amp) must be set to pay an AMP invoice")
    return PaymentOrder(
        payment_hash=invoice.payment_hash,
        payment_request=request.payment_request,
        payee=invoice.payee,
        payment_secret=invoice.payment_secret,
        value_msat=invoice.amount_msat or amount_msat,
        fee_limit_msat=fee_limit_msat,
        timeout_seconds=request.timeout_seconds or DEFAULT_TIMEOUT_SECONDS,
        final_cltv_delta=invoice.min_final_cltv_expiry,
    )


def _order_by_fields(request: SendPaymentRequest, amount_msat: int, fee_limit_msat: int) -> PaymentOrder:
    if len(request.dest) != PUBKEY_BYTES:
        raise Refusal("invalid vertex length")
    if len(request.payment_hash) != HASH_BYTES:
        raise Refusal(f"invalid hash length of {len(request.payment_hash)}, want 32")
    if not amount_msat:
        raise Refusal("amount must be specified")
    return PaymentOrder(
        payment_hash=request.payment_hash,
        payment_request="",
        payee=request.dest,
        payment_secret=request.payment_addr,
        value_msat=amount_msat,
        fee_limit_msat=fee_limit_msat,
        timeout_seconds=request.timeout_seconds or DEFAULT_TIMEOUT_SECONDS,
        final_cltv_delta=request.final_cltv_delta or DEFAULT_FINAL_CLTV_DELTA,
    )


def _check_parts(request: SendPaymentRequest, value_msat: int) -> None:
    parts = request.max_parts or DEFAULT_MAX_PARTS
    if request.max_shard_size_msat and parts > MAX_PARTS_WITH_SHARD_SIZE:
        raise Refusal(
            f"requested max_parts ({parts}) exceeds the allowed upper limit of {MAX_PARTS_WITH_SHARD_SIZE}"
        )
    if request.max_shard_size_msat and parts * request.max_shard_size_msat < value_msat:
        raise Refusal(f"payment amount {value_msat} mSAT exceeds maximum possible amount")


def msat_of(sats: int, msat: int) -> int:
    """Read LND's pair of amount fields, of which at most one may be set."""
    if sats and msat:
        raise Refusal("sat and msat arguments are mutually exclusive")
    if sats < 0 or msat < 0:
        raise Refusal("amount cannot be negative")
    return sats * MSAT_PER_SAT or msat


def _as_go_prints(moment: int) -> str:
    """Return a time as Go's Time.String does: in the time zone of the process. Units: Unix seconds."""
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %z %Z")


def _decoding_text(error: bolt11.Bolt11Error, text: str) -> str:
    if isinstance(error, bolt11_errors.ChecksumWrong):
        return _checksum_text(text.lower())
    for kind, lnds_text in DECODING_TEXTS:
        if isinstance(error, kind):
            return lnds_text
    return f"invalid invoice: {error}"


def _checksum_text(text: str) -> str:
    prefix, _one, data = text.rpartition("1")
    words, found = data[: -bech32.CHECKSUM_WORDS], data[-bech32.CHECKSUM_WORDS :]
    expected = bech32.join(prefix, words.translate(TO_DIGITS))[-bech32.CHECKSUM_WORDS :]
    return f"checksum failed. Expected {expected}, got {found}."


def _network_text(network: str, world: World) -> str:
    """LND compares only the beginning: bcrt passes as bc and fails later, as an unreadable amount."""
    if network.startswith(world.prefix):
        return f'strconv.ParseUint: parsing "{network.removeprefix(world.prefix)}": invalid syntax'
    return f"invoice not for current active network '{world.network}'"
