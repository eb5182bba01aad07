"""Fill a database of an earlier schema, migrate it, and print as JSON what became of the rows.

Run in a process of its own: `MONETIZATION_DATABASE_URL=… python -m tests.upgrades.upgrade`.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "sunusav.settings.test"

import django

django.setup()

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

EARLIER = [("transfers", "0010_past_admissions"), ("auth", "0012_alter_user_first_name_max_length")]
AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
SECOND_SEND, CLOSED_AT, RETRY_AT = (
    timedelta(seconds=10),
    AT + timedelta(seconds=12),
    AT + timedelta(seconds=72),
)
# Disbursements, each with its attempts: their states, when they were closed, and until when their orders can be paid.
REFUSED, FOREVER = ("failed", CLOSED_AT, AT), datetime(2100, 1, 1, tzinfo=UTC)
ENDED: list[tuple[str, list[tuple[str, datetime | None, datetime]]]] = [
    ("failed", [REFUSED]),
    ("processing", [("failed", AT + timedelta(seconds=40), AT)]),
    ("needs_review", [("void", CLOSED_AT, AT)]),
    ("cancelled", [REFUSED]),
    ("completed", [REFUSED, ("succeeded", CLOSED_AT, AT)]),
    ("completed", [("failed", CLOSED_AT, FOREVER), ("succeeded", CLOSED_AT, AT)]),
    ("processing", [("in_flight", None, AT)]),
    ("failed", []),
]
STARTED_AT = datetime.now(UTC)
ABOVE_LIMIT = "it is above the limit of 10000000 sats for one payout; a second person can except it"


def main() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(EARLIER)
    _fill(executor.loader.project_state(EARLIER).apps)
    call_command("migrate", verbosity=0)
    found = _found()
    print(json.dumps({**found, **_round_trip(), "is_same_again": _found() == found}))


def _fill(apps: Any) -> None:
    """Store a deferred disbursement that was waived once, an answer about its attempt, and a granted permission."""
    transfers = partial(apps.get_model, "transfers")
    row = transfers("Disbursement").objects.create(
        subject="cycle:c-1", state="scheduled", payout_sats=100_000, debit_role="group_pot", debit_owner="group:g",
        rail="lightning", destination_kind="bolt11", destination_value="lnbcrt1", scheduled_at=AT, requested_at=AT,
        payee_ref="user:awa", due_at=AT, excepted_at=AT, failure_code="payout-above-limit",
        failure_message=ABOVE_LIMIT,
    )  # fmt: skip
    hold = apps.get_model("ledger", "JournalTransaction").objects.create(
        kind="hold", reference="hold:1", subject="cycle:c-1", posted_at=AT
    )
    order = _order(transfers, row, "ab" * 32)
    attempt = transfers("Attempt").objects.create(
        disbursement=row, order=order, number=1, state="prepared", hold_transaction=hold, opened_at=AT
    )
    _fill_ended(apps, transfers)
    transfers("OutsideAnswer").objects.create(
        attempt=attempt,
        at=AT,
        kind="not_seen",
        outcome="not-seen",
        **{"told_by": "ask"},  # noqa: PIE804  (its name at that time)
    )
    types, permissions = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    model = types.objects.create(app_label="transfers", model="manualresolution")
    right = permissions.objects.create(codename="ask_outside", name="Can ask", content_type=model)
    apps.get_model("auth", "Group").objects.create(name="night watch").permissions.add(right)


def _order(transfers: Any, row: Any, reference: str, *, give_up_after: datetime = AT) -> Any:
    return transfers("PaymentOrder").objects.create(
        disbursement=row, rail="lightning", reference=reference, payload="lnbcrt1", amount_msat=1_000,
        fee_limit_msat=10, payee="02ab", source="02cd", expires_at=AT, give_up_after=give_up_after, prepared_at=AT,
    )  # fmt: skip


def _fill_ended(apps: Any, transfers: Any) -> None:
    """Store disbursements whose orders were refused or paid, each after a second send."""
    entries = apps.get_model("ledger", "JournalTransaction").objects
    for number, (state, attempts) in enumerate(ENDED, start=2):
        # One without an attempt failed before its fee was fixed.
        fixed = {"fee_sats": 1_000, "net_sats": 99_000} if attempts else {}
        row = transfers("Disbursement").objects.create(
            subject=f"cycle:c-{number}", state=state, payout_sats=100_000, **fixed, winner_ref="awa",
            debit_role="group_pot", debit_owner="group:g", rail="lightning", destination_kind="bolt11",
            destination_value="lnbcrt1", scheduled_at=AT, requested_at=AT, payee_ref="user:awa",
            due_at=RETRY_AT if state == "processing" else None, completed_at=AT if state == "completed" else None,
        )  # fmt: skip
        for position, (attempt_state, closed_at, give_up_after) in enumerate(attempts, start=1):
            reference = f"{number}:{position}"
            is_paid = attempt_state == "succeeded"
            kinds = ["hold", "payment" if is_paid else "hold_void"] if closed_at else ["hold"]
            booked = [
                entries.create(kind=kind, reference=f"{kind}:{reference}", subject=row.subject, posted_at=AT)
                for kind in kinds
            ]
            transfers("Attempt").objects.create(
                disbursement=row, number=position, state=attempt_state, hold_transaction=booked[0],
                order=_order(transfers, row, reference, give_up_after=give_up_after),
                close_transaction=booked[1] if closed_at else None, opened_at=AT, sends=2,
                sent_at=AT + SECOND_SEND, closed_at=closed_at, proof="00" if is_paid else "",
                cost_msat=0 if is_paid else None,
            )  # fmt: skip


def _found() -> dict[str, Any]:
    from django.contrib.auth.models import Group

    from sunusav.core.privacy import keys_of
    from transfers.destination_queries import open_destinations
    from transfers.engine.destinations import order_of
    from transfers.models import Attempt, Disbursement, DisbursementDestination, PaymentOrder, ProviderAnswer
    from transfers.services.destinations import stored_digest

    row, answer = Disbursement.objects.order_by("pk")[0], ProviderAnswer.objects.get()
    destinations = list(DisbursementDestination.objects.order_by("pk"))
    return {
        "attempts": [
            [one.state, *(_seconds(at) for at in (one.send_not_after, one.unpaid_at, one.paid_outside_at))]
            for one in Attempt.objects.order_by("pk")
        ],
        "due": [
            [one.state, "now" if one.due_at and one.due_at > STARTED_AT else _seconds(one.due_at), one.not_before]
            for one in Disbursement.objects.order_by("pk")
        ],
        "waived_at": row.waived_at.isoformat() if row.waived_at else None,
        "failure": [row.failure_code, row.failure_facts],
        "answer": [answer.answered_call, answer.kind, answer.outcome],
        "is_append_only": [_is_refused("UPDATE transfers_provideranswer SET kind = 'refused'"),
                           _is_refused("DELETE FROM transfers_provideranswer"),
                           _is_refused("UPDATE transfers_paymentorder SET rail = 'x'")],
        "amounts": [
            [one.payout_msat, one.fee_msat, one.net_msat] for one in Disbursement.objects.order_by("pk")
        ],
        "residues": [
            [one.residue_role, one.residue_owner, one.terms_at == one.scheduled_at]
            for one in Disbursement.objects.order_by("pk")
        ],
        "holds": [_hold_of(one) for one in Disbursement.objects.order_by("pk")],
        "payments": list(
            Attempt.objects.order_by("pk").values_list("state", "payment_transaction__reference")
        ),
        "orders": list(
            PaymentOrder.objects.values_list("currency", "amount", "cost_limit", "paid_from", "cost_account").distinct()
        ),
        "destinations": list(
            DisbursementDestination.objects.order_by("pk").values_list(
                "disbursement__subject", "position", "rail", "kind", "refused_at"
            )
        ),
        "opened": sorted({open_destinations([one.destination])[0].value for one in destinations}),
        "payloads": sorted({order_of(one).payload for one in PaymentOrder.objects.all()}),
        "people": sorted({one.person_ref for one in Disbursement.objects.all()}),
        "digests_fit": all(
            one.digest == stored_digest(one, keys_of([one.disbursement.person_ref])) for one in destinations
        ),
        "rights": list(Group.objects.get().permissions.values_list("codename", flat=True)),
    }  # fmt: skip


def _round_trip() -> dict[str, Any]:
    """Take back the migrations that encrypt destinations, and apply them again; say what was in clear in between."""
    from payouts.models import Cycle, Group
    from sunusav.core.privacy import erase, seal
    from transfers.destination_queries import masked_destinations, open_destinations

    group = Group.objects.create(pk="g", name="g", country="SN", settlement_partner_id="wave", created_at=AT)
    for number, winner in enumerate(("awa", "binta"), start=1):
        Cycle.objects.create(
            pk=f"c-{number}", group=group, cycle_index=number, contribution_sats=1, winner_user_id=winner,
            members_count=1, created_at=AT, destination_rail="wave", destination_kind="phone",
            sealed_destination=seal(f"member:{winner}", "+221770000001"), destination_set_at=AT,
            second_rail="lightning", second_kind="bolt11",
            sealed_second=seal(f"member:{winner}", "lnbcrt2"),
        )  # fmt: skip
    erase("member:binta", now=AT)
    for app, name in (("payouts", "0009_member_erasures"), ("transfers", "0033_return_dates")):
        call_command("migrate", app, name, verbosity=0)
    in_clear = {
        table: sorted({value for row in _rows(f"SELECT {column} FROM {table}") for value in row})
        for table, column in (
            ("payouts_cycle", "destination_value, second_value"),
            ("transfers_disbursementdestination", "value"),
            ("transfers_paymentorder", "payload, payee"),
        )
    }
    call_command("migrate", verbosity=0)
    first, second = Cycle.objects.order_by("pk")
    return {
        "in_clear": in_clear,
        "sealed_again": [one.value for one in open_destinations(first.destinations)],
        "erased": [one.masked_value for one in masked_destinations(second.destinations)],
    }


def _rows(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _hold_of(row: Any) -> list[Any] | None:
    """Return the reference of what holds a disbursement, and its lines."""
    if row.hold_transaction is None:
        return None
    lines = row.hold_transaction.entries.order_by("pk").values_list("account__code", "amount")
    return [row.hold_transaction.reference, [list(line) for line in lines]]


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - AT).total_seconds()


def _is_refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return "append-only" in str(error)
    return False


if __name__ == "__main__":
    main()
