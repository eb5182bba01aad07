"""Work that nobody watches tries its transaction again after a lock conflict, instead of leaving it to the next run."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import OperationalError, connection

from ledger.auditor import AuditReport, _pause_outgoing
from ledger.services import repay_receivable, seal_books
from ledger.types import AccountRef, AccountRole, Currency, msat
from lightning.proto import lightning_pb2
from lightning.services import record_settlement_at_cursor
from payouts.services.cycles import _record_ready
from payouts.services.withdrawals import _take
from sunusav.api.idempotency import clean_up_keys
from sunusav.api.webhooks import deliver_outbox
from sunusav.core.actors import Actor
from sunusav.core.auditing import Breach
from sunusav.core.errors import DomainError
from sunusav.core.trail import seal_trail
from transfers.engine.breaker import _fail_try, count_failure, count_success
from transfers.engine.claims import Claim, begin_scheduled, claim_due, record_broken, release, renew
from transfers.engine.deferring import defer, defer_all
from transfers.engine.opening import Opening, open_attempts
from transfers.engine.paid import Payment, close_all_as_paid, close_as_paid
from transfers.engine.policy import NextStep
from transfers.engine.steps import Stop
from transfers.engine.stopping import stop
from transfers.engine.unpaid import close_as_unpaid, settle
from transfers.engine.unresolved import keep_open, put_under_review, record_resend
from transfers.enums import CollectionState, DisbursementState
from transfers.errors import RailCredentialsRefused
from transfers.models import Attempt, Collection, Disbursement
from transfers.services.cancellations import _record_cancelled
from transfers.services.collections import _record_opened, _record_status
from transfers.services.credit import return_credit, use_credit
from transfers.services.receipts import record_payments, record_receipt
from transfers.services.switches import switch_off_for_credentials
from transfers.services.withdrawals import _expire
from transfers.types import CollectionStatus, Deferral, Succeeded

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
DEADLOCK = OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction")
ACTOR = Actor.system("tests")
REPORT = AuditReport(NOW, None, ("I1",), (Breach("I1", "books", "from the test"),), (), 0.0)
NOTHING: Any = SimpleNamespace()
FUND = AccountRef(AccountRole.COMMUNITY_FUND, Currency.MSAT)
STATUS = CollectionStatus(CollectionState.OPEN, msat(0), "", None)
CLAIM = Claim(0, 1, Disbursement(pk=0, state="processing"))
OPENING = Opening(CLAIM, NOTHING, 1)
PAID = Succeeded(proof="", amount=msat(1), cost=msat(0))
REFUSAL = RailCredentialsRefused(rail="lightning", detail="key revoked")
WHY = Deferral("test", {}, NOW)

WORK: dict[str, Callable[[], Any]] = {
    "switch a provider off": lambda: switch_off_for_credentials(REFUSAL, asked_at=NOW, now=NOW),
    "seal the books": lambda: seal_books(now=NOW),
    "seal the trail": lambda: seal_trail(now=NOW),
    "repay a receivable": lambda: repay_receivable(FUND, now=NOW),
    "pause after an audit": lambda: _pause_outgoing(REPORT),
    "deliver the outbox": lambda: deliver_outbox(now=NOW),
    "delete old keys": lambda: clean_up_keys(now=NOW),
    "record a settlement": lambda: record_settlement_at_cursor(
        lightning_pb2.Invoice(r_hash=b"\1"), node_pubkey="02", now=NOW
    ),
    "record a receipt": lambda: record_receipt(
        method="lightning", reference="none", received=msat(1), proof="", received_at=NOW, now=NOW
    ),
    "record an opened request": lambda: _record_opened(
        Collection(pk=0), NOTHING, actor=ACTOR, reason="", now=NOW
    ),
    "record payments": lambda: record_payments(Collection(pk=0), STATUS, now=NOW),
    "record the status of a request": lambda: _record_status(0, STATUS, now=NOW),
    "use credit": lambda: use_credit(
        user_id="none", amount_msat=1, into=FUND, subject="test:1", actor=ACTOR, now=NOW
    ),
    "return credit": lambda: return_credit(subject="test:1", actor=ACTOR, reason="test", now=NOW),
    "record a cancelled request": lambda: _record_cancelled(0, "none", actor=ACTOR, reason="test", now=NOW),
    "record a ready cycle": lambda: _record_ready("none", now=NOW),
    "take a withdrawal": lambda: _take(SimpleNamespace(id=0, subject="cycle:none"), NOW),  # type: ignore[arg-type]
    "expire a withdrawal": lambda: _expire("none", now=NOW),
    # The payment engine
    "claim": lambda: claim_due(worker="tests", now=NOW, limit=1),
    "renew leases": lambda: renew([CLAIM], now=NOW),
    "release": lambda: release(CLAIM, due_at=NOW),
    "begin a scheduled payment": lambda: begin_scheduled(CLAIM, now=NOW),
    "record a broken worker": lambda: record_broken(CLAIM, ValueError()),
    "open attempts": lambda: open_attempts([OPENING], now=NOW),
    "book payments": lambda: close_all_as_paid([Payment(CLAIM, Attempt(pk=0), PAID)], now=NOW),
    "book one payment": lambda: close_as_paid(Attempt(pk=0, disbursement_id=0), PAID, now=NOW),
    "close as unpaid": lambda: close_as_unpaid(CLAIM, Attempt(pk=0), NOTHING, now=NOW),
    "settle": lambda: settle(CLAIM, [Attempt(pk=0)], now=NOW),
    "keep open": lambda: keep_open(CLAIM, Attempt(pk=0), SimpleNamespace(answered=None), now=NOW),  # type: ignore[arg-type]
    "record a resend": lambda: record_resend(CLAIM, Attempt(pk=0), NOTHING, now=NOW),
    "put under review": lambda: put_under_review(CLAIM, code="test", facts={}, now=NOW, due_at=None),
    "stop": lambda: stop(CLAIM, Stop("test", {}, NextStep(DisbursementState.FAILED, None)), now=NOW),
    "defer": lambda: defer(CLAIM, WHY, now=NOW),
    "defer many": lambda: defer_all([Disbursement(pk=0)], WHY, now=NOW),
    "count a failure": lambda: count_failure("lightning", disbursement_id=0, now=NOW),
    "count a success": lambda: count_success("lightning", now=NOW),
    "end a try": lambda: _fail_try("lightning", disbursement_id=0, now=NOW),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", WORK)
def test_work_that_meets_a_deadlock_is_tried_again(name: str) -> None:
    """The work then ends, or finds that its row is missing, which is why it can be so short here."""
    conflicts: list[str] = []

    def conflict_once(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not conflicts:
            conflicts.append(sql)
            raise DEADLOCK
        return execute(sql, params, many, context)

    with connection.execute_wrapper(conflict_once):
        _run_to_its_end(WORK[name])

    assert len(conflicts) == 1


def _run_to_its_end(work: Callable[[], Any]) -> None:
    try:
        work()
    except (DomainError, ObjectDoesNotExist):
        return
