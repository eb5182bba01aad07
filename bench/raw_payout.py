"""The raw bound of a payout: its two transactions in hand-written SQL and its one call to the node.

The rows are those of `transfers.engine` in the same tables, written with multi-row inserts by a program that knows
everything in advance: it reads only the row it locks, checks nothing, and would not recover from a crash.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import MySQLdb
from django.conf import settings

from lightning.access_scopes import AccessScope
from lightning.client.access import access_for
from lightning.client.channels import channel_to
from lightning.outcomes import is_terminal
from lightning.proto import lightning_pb2, methods, router_pb2

LOCK = "SELECT state FROM transfers_disbursement WHERE id = %s FOR UPDATE"
ORDER = (
    "INSERT INTO transfers_paymentorder (disbursement_id, rail, reference, sealed_payload, currency, amount,"
    " cost_limit, paid_from, cost_account, payee_digest, source, expires_at, give_up_after, prepared_at,"
    " destination_digest, is_renewable)"
    " VALUES (%s, 'lightning', %s, %s, 'msat', %s, %s, 'node:msat', 'routing_expense:msat', %s, %s, %s, %s, %s,"
    " REPEAT('0', 64), 0)"
)
JOURNAL = (
    "INSERT INTO ledger_journaltransaction (kind, reference, subject, posted_at, recorded_at, reverses_id)"
    " VALUES (%s, %s, %s, %s, %s, NULL)"
)
ENTRIES = "INSERT INTO ledger_journalentry (transaction_id, account_id, currency, amount) VALUES "
ATTEMPT = (
    "INSERT INTO transfers_attempt (disbursement_id, order_id, number, state, opened_at, sends,"
    " sent_at, send_not_after, outcome, verdict, failure_class, proof, evidence)"
    " VALUES (%s, %s, 1, 'prepared', %s, 1, %s, %s, '', '', '', '', '{}')"
)
LEASE = (
    "UPDATE transfers_disbursement SET claim_version = claim_version + 1, claimed_by = 'raw', due_at = %s"
    " WHERE id = %s"
)
FEE = (
    "INSERT INTO fees_feerecord (subject, payout_sats, fee_sats, platform_sats, community_sats, partner_sats, net_sats,"
    " schedule_id, group_ref, winner_ref, settlement_partner, rate_id, rate_xof_per_btc, is_fallback_rate,"
    " disbursement_ref, assessment_id, reverses_id, is_reversal, completed_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, NULL, 0, %s)"
)
CLOSE = (
    "UPDATE transfers_attempt SET state = 'succeeded', closed_at = %s, asked_at = %s, payment_transaction_id = %s,"
    " proof = %s, cost = 0, outcome = 'paid', evidence = '{}' WHERE id = %s AND state = 'prepared'"
)
COMPLETE = (
    "UPDATE transfers_disbursement SET state = 'completed', due_at = NULL, completed_at = %s, claimed_by = ''"
    " WHERE id = %s AND state = 'processing'"
)
OPENED = (
    "INSERT INTO core_trailentry (subject, action, from_state, to_state, actor_id, actor_label, reason, facts, at)"
    " VALUES (%s, 'open_attempt', '', 'prepared', NULL, 'raw', '', %s, %s)"
)
TRAIL = (
    "INSERT INTO core_trailentry (subject, action, from_state, to_state, actor_id, actor_label, reason, facts, at)"
    " VALUES (%s, 'close_attempt', 'prepared', 'succeeded', NULL, 'raw', '', %s, %s),"
    " (%s, 'complete', 'processing', 'completed', NULL, 'raw', '', '{}', %s)"
)


@dataclass(frozen=True)
class KnownPayout:
    """Everything the raw payout needs, read before it is timed."""

    disbursement_id: int
    subject: str
    invoice: str
    payment_hash: str
    assessment_id: int
    fee: tuple[Any, ...]  # the columns of the assessment, as the fee record takes them over
    paid: tuple[tuple[int, int], ...]  # (account, msat)


def pay_by_sql(payouts: Sequence[KnownPayout]) -> None:
    """Write both transactions of each payout, as if the node had answered in between."""
    connection = _connection()
    with connection.cursor() as cursor:
        for payout in payouts:
            now = datetime.now(UTC).replace(tzinfo=None)
            attempt_id = _open(cursor, payout, now)
            connection.commit()
            _close(cursor, payout, attempt_id, now)
            connection.commit()


def pay_by_grpc(invoices: Sequence[str], *, at_once: int = 1) -> None:
    """Send each payment over one channel, `at_once` of them concurrently, and wait until it ends."""
    access = access_for(AccessScope.PAYING)
    call = methods.SEND_PAYMENT_V2.stream(channel_to(access))
    metadata = (("macaroon", access.macaroon().hex()),)

    def pay(invoice: str) -> None:
        request = router_pb2.SendPaymentRequest(
            payment_request=invoice, fee_limit_msat=1_000_000, timeout_seconds=60, max_parts=16
        )
        last = next(
            payment for payment in call(request, timeout=75, metadata=metadata) if is_terminal(payment)
        )
        assert last.status == lightning_pb2.Payment.SUCCEEDED, last

    if at_once == 1:
        for invoice in invoices:
            pay(invoice)
        return
    with ThreadPoolExecutor(at_once) as slots:
        list(slots.map(pay, invoices))


@cache
def _connection() -> Any:
    """Connect once in each process."""
    database = settings.DATABASES["default"]
    return MySQLdb.connect(
        host=database["HOST"], port=int(database["PORT"]), user=database["USER"], password=database["PASSWORD"],
        database=database["NAME"], charset="utf8mb4", autocommit=False,
        init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    )  # fmt: skip


def _open(cursor: Any, payout: KnownPayout, now: datetime) -> int:
    number, later = payout.disbursement_id, now + timedelta(days=1)
    cursor.execute(LOCK, (number,))
    cursor.execute(
        ORDER,
        (
            number,
            payout.payment_hash,
            payout.invoice,
            99_000_000,
            990_000,
            "02" * 33,
            "03" * 33,
            later,
            later,
            now,
        ),
    )
    order_id = cursor.lastrowid
    cursor.execute(ATTEMPT, (number, order_id, now, now, now + timedelta(seconds=20)))
    attempt_id = int(cursor.lastrowid)
    cursor.execute(OPENED, (f"disbursement:{number}", json.dumps({"attempt": 1}), now))
    cursor.execute(LEASE, (now + timedelta(seconds=20), number))
    return attempt_id


def _close(cursor: Any, payout: KnownPayout, attempt_id: int, now: datetime) -> None:
    number, name = payout.disbursement_id, f"disbursement:{payout.disbursement_id}"
    cursor.execute(LOCK, (number,))
    booked = _post(cursor, ("payment", f"{name}:paid", payout.subject, now, now), payout.paid)
    cursor.execute(CLOSE, (now, now, booked, payout.payment_hash, attempt_id))
    cursor.execute(FEE, (*payout.fee, name, payout.assessment_id, now))
    cursor.execute(COMPLETE, (now, number))
    cursor.execute(TRAIL, (name, json.dumps({"attempt": 1, "outcome": "paid"}), now, name, now))


def _post(cursor: Any, journal: tuple[Any, ...], lines: Sequence[tuple[int, int]]) -> int:
    cursor.execute(JOURNAL, journal)
    transaction_id = int(cursor.lastrowid)
    rows = [value for account, amount in lines for value in (transaction_id, account, "msat", amount)]
    cursor.execute(ENTRIES + ", ".join(["(%s, %s, %s, %s)"] * len(lines)), rows)
    return transaction_id
