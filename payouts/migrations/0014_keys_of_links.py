from functools import partial
from typing import Any

from django.db import migrations

from sunusav.core.migration_sealing import MigratedKeys, in_batches

CYCLE = "cycle:"


def give_to_winners(apps: Any, schema_editor: Any) -> None:
    """Encrypt the destinations of withdrawal links of cycles under the key of the winner, which an erasure erases."""
    links = apps.get_model("transfers", "WithdrawalLink").objects
    in_batches(links.filter(person_ref__startswith=CYCLE), partial(_give, apps))
    apps.get_model("core", "PersonKey").objects.filter(person_ref__startswith=CYCLE).exclude(
        person_ref__in=apps.get_model("transfers", "Disbursement")
        .objects.filter(person_ref__startswith=CYCLE)
        .values("person_ref")
    ).delete()


def _give(apps: Any, rows: list[Any]) -> None:
    cycle_ids = [row.subject.removeprefix(CYCLE) for row in rows]
    cycles = apps.get_model("payouts", "Cycle").objects.filter(pk__in=cycle_ids)
    winners = {
        f"{CYCLE}{pk}": f"member:{user_id}" for pk, user_id in cycles.values_list("pk", "winner_user_id")
    }
    keys = MigratedKeys(apps, [*(row.person_ref for row in rows), *winners.values()])
    for row in rows:
        winner = winners.get(row.subject, row.person_ref)
        if row.sealed_destination is not None:
            row.sealed_destination = keys.seal(winner, keys.reveal(row.person_ref, row.sealed_destination))
        row.person_ref = winner
    apps.get_model("transfers", "WithdrawalLink").objects.bulk_update(
        rows, ["person_ref", "sealed_destination"], batch_size=100
    )


class Migration(migrations.Migration):
    """Links that had no payment when they were encrypted have the key of their cycle: give them their winner's."""

    atomic = False
    dependencies = [("payouts", "0013_only_sealed"), ("transfers", "0039_only_sealed")]

    operations = [migrations.RunPython(give_to_winners, migrations.RunPython.noop, atomic=False)]
