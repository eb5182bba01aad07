"""The rows that a simulated node stores, one class per SQLite table.

Units: amounts in msat, times in nanoseconds of Unix time when named `_ns`, else in seconds.
"""

from dataclasses import dataclass, field

from lightning.proto.lightning_pb2 import HTLCAttempt, Invoice, Payment, PaymentFailureReason

OPEN_STATUSES = (Payment.INITIATED, Payment.IN_FLIGHT)
HASH_BYTES, PUBKEY_BYTES = 32, 33
DEFAULT_FINAL_CLTV_DELTA = 80  # blocks; lnd chainreg/chainregistry.go
CURRENT, OVERWRITTEN, DELETED = "current", "overwritten", "deleted"


@dataclass
class NodeRow:
    """A node: its keys, balances and options. Its one channel reaches every other node."""

    name: str
    private_key: bytes
    macaroon_root_key: bytes
    local_msat: int
    remote_msat: int
    unsettled_out_msat: int = 0
    unsettled_in_msat: int = 0
    reserve_msat: int = 0
    fee_base_msat: int = 0
    fee_ppm: int = 0
    last_payment_index: int = 0
    last_attempt_id: int = 0
    last_add_index: int = 0
    last_settle_index: int = 0
    options: dict[str, object] = field(default_factory=dict)


@dataclass
class PaymentRow:
    """One row of LND's payment table. Overwritten and deleted rows are kept for the control API."""

    node: str
    payment_index: int
    payment_hash: bytes
    payment_request: str
    payee: bytes
    payment_secret: bytes
    value_msat: int
    fee_limit_msat: int
    created_ns: int
    timeout_at_ns: int
    status: int = Payment.INITIATED
    failure_reason: int = PaymentFailureReason.FAILURE_REASON_NONE
    fee_msat: int = 0
    preimage: bytes = b""
    resolved_ns: int = 0
    row_state: str = CURRENT
    scripted: dict[str, object] = field(default_factory=dict)
    final_cltv_delta: int = DEFAULT_FINAL_CLTV_DELTA

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def hash_hex(self) -> str:
        return self.payment_hash.hex()


@dataclass
class HtlcRow:
    """One attempt of a payment, at the payer."""

    node: str
    attempt_id: int
    payment_index: int
    amount_msat: int
    fee_msat: int
    attempt_ns: int
    status: int = HTLCAttempt.IN_FLIGHT
    resolve_ns: int = 0
    failure_code: int = 0
    preimage: bytes = b""
    expiry_height: int = 0  # of the last hop
    htlc_index: int = 0  # in its channel, from 0


@dataclass
class InvoiceRow:
    node: str
    payment_hash: bytes
    preimage: bytes  # empty: a hold invoice that waits for its preimage
    payment_secret: bytes
    add_index: int
    memo: str
    description_hash: bytes
    value_msat: int
    created_at: int
    expiry_seconds: int
    cltv_expiry: int
    payment_request: str
    features: int
    is_hold: int = 0
    is_private: int = 0
    state: int = Invoice.OPEN
    settle_index: int = 0
    settled_at: int = 0
    amt_paid_msat: int = 0
    # The accepted HTLC: the paying node and its payment.
    payer: str = ""
    payer_payment_index: int = 0
    accepted_msat: int = 0
    accepted_at: int = 0
    accept_height: int = 0
    htlc_expiry_height: int = 0
    htlc_index: int = 0
    htlc_resolved_at: int = 0

    @property
    def expires_at(self) -> int:
        return self.created_at + self.expiry_seconds


@dataclass
class TallyRow:
    """Counts for one hash at one node: calls to send, payments created, payments that succeeded."""

    node: str
    payment_hash: bytes
    sends: int = 0
    accepted: int = 0
    successes: int = 0


@dataclass
class ScriptRow:
    """Fault steps for future payments; `payment_hash` is hex or `*`; a `remaining` of -1 has no limit."""

    id: int
    node: str
    payment_hash: str
    remaining: int
    steps: list[dict[str, object]] = field(default_factory=list)


@dataclass
class SettingRow:
    name: str
    value: dict[str, object] = field(default_factory=dict)
