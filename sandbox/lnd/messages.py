"""Turn rows into LND's messages.

Source: lightningnetwork/lnd router_backend.go MarshallPayment, invoicesrpc/utils.go CreateRPCInvoice.
"""

from collections.abc import Iterable

from lightning.proto import lightning_pb2 as pb
from sandbox.lnd.clock import NS_PER_SECOND
from sandbox.lnd.faults import ScriptedOutcome
from sandbox.lnd.rows import HtlcRow, InvoiceRow, PaymentRow

NO_PREIMAGE = "00" * 32  # LND's value before settlement; not empty
MSAT_PER_SAT = 1000
CLTV_DELTA = 80  # of a forwarding node; lnd chainreg/chainregistry.go
HUB_PUBKEY = "02" + "5e" * 32  # the only forwarding node of the simulated graph
CHANNEL_ID = 116_550_098_616_320

ACCOUNTABILITY, ACCOUNTABILITY_NAMED_SINCE = 261, 21
FEATURE_NAMES = {
    0: "data-loss-protect",
    5: "upfront-shutdown-script",
    7: "gossip-queries",
    8: "tlv-onion",
    12: "static-remote-key",
    14: "payment-addr",
    17: "multi-path-payments",
    23: "anchors-zero-fee-htlc-tx",
    25: "route-blinding",
    27: "shutdown-any-segwit",
    30: "amp",
    35: "quiescence",
    39: "onion-messages",
    44: "explicit-commitment-type",
    ACCOUNTABILITY: "accountable-x",
    2023: "script-enforced-lease",
}

# Bits of a node with default options: of every release, and more of the releases from this one on.
NODE_FEATURES = (0, 5, 7, 8, 12, 14, 17, 23, 25, 27, 30, 31, 2023)
MORE_NODE_FEATURES = {15: (45,), 20: (35, 45, ACCOUNTABILITY), 21: (35, 39, 44, ACCOUNTABILITY)}


def payment_message(
    row: PaymentRow, htlcs: Iterable[HtlcRow], *, show_initiated: bool, is_direct: bool
) -> pb.Payment:
    """Return a payment as LND does; its routes have one hop when they are direct, else two.

    Rounding: sats are msat rounded down, as in LND.
    """
    shown = ScriptedOutcome.of(row.scripted).misreport if row.scripted else {}
    value_msat = shown.get("value_msat", row.value_msat)
    hidden = row.status == pb.Payment.INITIATED and not show_initiated
    return pb.Payment(
        payment_hash=row.hash_hex,
        payment_preimage=row.preimage.hex() or NO_PREIMAGE,
        value_sat=value_msat // MSAT_PER_SAT,
        value_msat=value_msat,
        payment_request=shown.get("payment_request", row.payment_request),
        status=pb.Payment.IN_FLIGHT if hidden else pb.Payment.PaymentStatus.Name(row.status),
        fee_sat=row.fee_msat // MSAT_PER_SAT,
        fee_msat=row.fee_msat,
        creation_time_ns=row.created_ns,
        htlcs=[_htlc_message(row, htlc, is_direct=is_direct) for htlc in htlcs],
        payment_index=row.payment_index,
        failure_reason=pb.PaymentFailureReason.Name(row.failure_reason),
    )


def _htlc_message(row: PaymentRow, htlc: HtlcRow, *, is_direct: bool) -> pb.HTLCAttempt:
    forwarding = [] if is_direct else [_hop(HUB_PUBKEY, htlc, fee_msat=htlc.fee_msat)]
    hops = [*forwarding, _hop(row.payee.hex(), htlc)]
    return pb.HTLCAttempt(
        attempt_id=htlc.attempt_id,
        status=pb.HTLCAttempt.HTLCStatus.Name(htlc.status),
        attempt_time_ns=htlc.attempt_ns,
        resolve_time_ns=htlc.resolve_ns,
        preimage=htlc.preimage,
        failure=_failure(htlc, hops=len(hops)) if htlc.status == pb.HTLCAttempt.FAILED else None,
        route=pb.Route(
            total_time_lock=htlc.expiry_height + CLTV_DELTA * len(forwarding),
            total_fees_msat=htlc.fee_msat,
            total_amt_msat=htlc.amount_msat + htlc.fee_msat,
            hops=hops,
        ),
    )


def _hop(pubkey: str, htlc: HtlcRow, *, fee_msat: int = 0) -> pb.Hop:
    """Return a hop; the last two of a route have one expiry, the one that the payee sees."""
    return pb.Hop(
        pub_key=pubkey,
        chan_id=CHANNEL_ID,
        amt_to_forward_msat=htlc.amount_msat,
        fee_msat=fee_msat,
        expiry=htlc.expiry_height,
    )


def _failure(htlc: HtlcRow, *, hops: int) -> pb.Failure:
    """Return a failure and its source: the payee is the last hop; else it is the node before it, 0 being ours."""
    code = htlc.failure_code
    is_of_payee = code == pb.Failure.INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS
    return pb.Failure(
        code=pb.Failure.FailureCode.Name(code),
        failure_source_index=hops if is_of_payee else hops - 1,
    )


def invoice_message(row: InvoiceRow) -> pb.Invoice:
    return pb.Invoice(
        memo=row.memo,
        r_preimage=row.preimage,
        r_hash=row.payment_hash,
        value=row.value_msat // MSAT_PER_SAT,
        value_msat=row.value_msat,
        creation_date=row.created_at,
        settle_date=row.settled_at,
        payment_request=row.payment_request,
        description_hash=row.description_hash,
        expiry=row.expiry_seconds,
        cltv_expiry=row.cltv_expiry,
        private=bool(row.is_private),
        add_index=row.add_index,
        settle_index=row.settle_index,
        amt_paid_sat=row.amt_paid_msat // MSAT_PER_SAT,
        amt_paid_msat=row.amt_paid_msat,
        state=pb.Invoice.InvoiceState.Name(row.state),
        features=features_message(row.features),
        payment_addr=row.payment_secret,
        htlcs=[_invoice_htlc_message(row)] if row.payer else [],
    )


def _invoice_htlc_message(row: InvoiceRow) -> pb.InvoiceHTLC:
    states: dict[int, pb.InvoiceHTLCState] = {
        pb.Invoice.SETTLED: pb.InvoiceHTLCState.SETTLED,
        pb.Invoice.CANCELED: pb.InvoiceHTLCState.CANCELED,
    }
    return pb.InvoiceHTLC(
        chan_id=CHANNEL_ID,
        amt_msat=row.accepted_msat,
        accept_time=row.accepted_at,
        resolve_time=row.htlc_resolved_at,
        accept_height=row.accept_height,
        expiry_height=row.htlc_expiry_height,
        htlc_index=row.htlc_index,
        state=states.get(row.state, pb.InvoiceHTLCState.ACCEPTED),
        mpp_total_amt_msat=row.accepted_msat,
    )


def node_features(minor: int) -> dict[int, pb.Feature]:
    """Return what GetInfo of a release shows with default options. Source: recorded; lnd feature/default_sets.go."""
    more = MORE_NODE_FEATURES[max(since for since in MORE_NODE_FEATURES if since <= minor)]
    features = features_message(sum(1 << bit for bit in (*NODE_FEATURES, *more)))
    if minor < ACCOUNTABILITY_NAMED_SINCE and ACCOUNTABILITY in features:
        features[ACCOUNTABILITY].name = "endorsement-x"
    return features


def features_message(bits: int) -> dict[int, pb.Feature]:
    """Return the feature bits that are set, with their names; the even bit of a pair means required."""
    return {bit: _feature(bit) for bit in range(bits.bit_length()) if bits >> bit & 1}


def _feature(bit: int) -> pb.Feature:
    name = FEATURE_NAMES.get(bit) or FEATURE_NAMES.get(bit ^ 1)
    return pb.Feature(name=name or "unknown", is_required=bit % 2 == 0, is_known=name is not None)


def creation_seconds(row: PaymentRow) -> int:
    return row.created_ns // NS_PER_SECOND
