"""Fill a database of an earlier schema, migrate it, and print as JSON what became of the rows.

Run in a process of its own: `MONETIZATION_DATABASE_URL=… python -m tests.upgrades.upgrade`.
"""

import json
import os
from datetime import UTC, datetime
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
ABOVE_LIMIT = "it is above the limit of 10000000 sats for one payout; a second person can except it"


def main() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(EARLIER)
    _fill(executor.loader.project_state(EARLIER).apps)
    call_command("migrate", verbosity=0)
    print(json.dumps(_found()))


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
    order = transfers("PaymentOrder").objects.create(
        disbursement=row, rail="lightning", reference="ab" * 32, payload="lnbcrt1", amount_msat=1_000,
        fee_limit_msat=10, payee="02ab", source="02cd", expires_at=AT, give_up_after=AT, prepared_at=AT,
    )  # fmt: skip
    attempt = transfers("Attempt").objects.create(
        disbursement=row, order=order, number=1, state="prepared", hold_transaction=hold, opened_at=AT
    )
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


def _found() -> dict[str, Any]:
    from django.contrib.auth.models import Group

    from transfers.models import Disbursement, ProviderAnswer

    row, answer = Disbursement.objects.get(), ProviderAnswer.objects.get()
    return {
        "waived_at": row.waived_at.isoformat() if row.waived_at else None,
        "failure": [row.failure_code, row.failure_facts],
        "answer": [answer.answered_call, answer.kind, answer.outcome],
        "is_append_only": [_is_refused("UPDATE transfers_provideranswer SET kind = 'refused'"),
                           _is_refused("DELETE FROM transfers_provideranswer")],
        "rights": list(Group.objects.get().permissions.values_list("codename", flat=True)),
    }  # fmt: skip


def _is_refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return "append-only" in str(error)
    return False


if __name__ == "__main__":
    main()
