"""What the first page reads does not grow with the tables: the rows that the database reads, counted by itself."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from sunusav.core.models import OutboxMessage, Proposal, TrailEntry
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import NOW
from transfers.models import Attempt, Disbursement, PaymentOrder

pytestmark = pytest.mark.skipif(connection.vendor != "mysql", reason="counts what MySQL and MariaDB report")

MANY = 3_000
ROWS_OF_CHANCE = 60


def rows_read(client: Client) -> int:
    client.get("/admin/")  # content types and permissions are remembered
    before = _handled()
    assert client.get("/admin/").status_code == 200
    return _handled() - before


def _handled() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _name, value in cursor.fetchall())


def fill(world: World, *, start: int) -> None:
    """Add `MANY` rows of what ended long ago: payments paid and cancelled, attempts, messages, proposals, the trail."""
    other = person("issa", Role.FINANCE)
    common = {
        "payout_msat": 1_000, "net_msat": 1_000, "fee_msat": 0, "debit_role": "group_pot", "debit_owner": "o",
        "residue_role": "group_pot", "residue_owner": "o", "person_ref": "p", "scheduled_at": NOW, "terms_at": NOW,
        "requested_at": NOW,
    }  # fmt: skip
    paid = {"state": "completed", "completed_at": NOW}
    Disbursement.objects.bulk_create(
        Disbursement(subject=f"x:{number}", **common, **(paid if number % 2 else {"state": "cancelled"}))
        for number in range(start, start + MANY)
    )
    key = Disbursement.objects.filter(subject=f"x:{start + 1}").get().pk
    _attempts(key, start=start)
    OutboxMessage.objects.bulk_create(
        OutboxMessage(topic="t", subject="s", payload={}, created_at=NOW, next_try_at=NOW, delivered_at=NOW)
        for _ in range(MANY)
    )
    Proposal.objects.bulk_create(
        Proposal(
            kind="manual_rate", subject_id=f"y{number}", state="approved", facts={}, digest="d", proposer=other,
            proposed_at=NOW, decided_at=NOW, band_id=world.manual_rate.band_id,
        )
        for number in range(start, start + MANY)
    )  # fmt: skip
    TrailEntry.objects.bulk_create(
        TrailEntry(subject=f"disbursement:{key}", action="a", actor_label="x", at=NOW, facts={})
        for _ in range(MANY)
    )


def _attempts(disbursement_id: int, *, start: int) -> None:
    like = PaymentOrder.objects.all()[0]
    orders = []
    for number in range(start, start + MANY):
        order = _copy(like)
        order.pk, order.reference, order.disbursement_id = None, f"ref-{number}", disbursement_id
        orders.append(order)
    PaymentOrder.objects.bulk_create(orders)
    made = PaymentOrder.objects.filter(disbursement=disbursement_id)
    Attempt.objects.bulk_create(
        Attempt(
            disbursement_id=disbursement_id, order=order, number=number, state="failed", opened_at=NOW,
            closed_at=NOW + timedelta(seconds=1), unpaid_at=NOW + timedelta(seconds=1), failure_class="final",
        )
        for number, order in enumerate(made, start=1)
    )  # fmt: skip


def _copy(order: PaymentOrder) -> PaymentOrder:
    values = {field.attname: getattr(order, field.attname) for field in order._meta.concrete_fields}
    return PaymentOrder(**values)


def test_home_page_reads_as_few_rows_among_thousands(world: World, enter: Enter) -> None:
    """Compare thousands with twice as many: with a handful of rows, a database prefers to scan."""
    clients = {role: enter(role) for role in (Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.OPERATOR)}
    fill(world, start=0)
    few = {role: rows_read(client) for role, client in clients.items()}

    fill(world, start=MANY)

    grown = {role: rows_read(client) - few[role] for role, client in clients.items()}
    assert {role: rows for role, rows in grown.items() if rows > ROWS_OF_CHANCE} == {}
