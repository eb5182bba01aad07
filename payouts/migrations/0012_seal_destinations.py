from functools import partial
from hashlib import sha256
from typing import Any

from django.db import migrations

from sunusav.core.migration_sealing import MigratedKeys, in_batches

SEALED = ["sealed_destination", "sealed_second"]
OPENED = ["destination_value", "second_value"]


def seal(apps: Any, schema_editor: Any) -> None:
    """Encrypt where winners are paid, and key the digests of proposed refunds."""
    cycles = apps.get_model("payouts", "Cycle").objects
    in_batches(
        cycles.filter(sealed_destination=None).exclude(destination_rail=""), partial(_seal_cycles, apps)
    )
    in_batches(apps.get_model("payouts", "ProposedRefund").objects.all(), partial(_key_digests, apps))


def _seal_cycles(apps: Any, rows: list[Any]) -> None:
    keys = MigratedKeys(apps, [_winner(row) for row in rows])
    for row in rows:
        row.sealed_destination = keys.seal(_winner(row), row.destination_value)
        if row.second_rail:
            row.sealed_second = keys.seal(_winner(row), row.second_value)
    apps.get_model("payouts", "Cycle").objects.bulk_update(rows, SEALED, batch_size=100)


def _key_digests(apps: Any, rows: list[Any]) -> None:
    keys = MigratedKeys(apps, [_payee(row) for row in rows])
    for row in rows:
        row.digest = keys.digest(_payee(row), _text(keys, row))
    apps.get_model("payouts", "ProposedRefund").objects.bulk_update(rows, ["digest"], batch_size=100)


def unseal(apps: Any, schema_editor: Any) -> None:
    """Decrypt again what can be: an erased person's data stays unknown."""
    cycles = apps.get_model("payouts", "Cycle").objects
    in_batches(cycles.exclude(sealed_destination=None), partial(_unseal_cycles, apps))
    in_batches(apps.get_model("payouts", "ProposedRefund").objects.all(), partial(_plain_digests, apps))


def _unseal_cycles(apps: Any, rows: list[Any]) -> None:
    keys = MigratedKeys(apps, [_winner(row) for row in rows])
    for row in rows:
        row.destination_value = keys.reveal(_winner(row), row.sealed_destination)
        if row.sealed_second is not None:
            row.second_value = keys.reveal(_winner(row), row.sealed_second)
        row.sealed_destination = row.sealed_second = None
    apps.get_model("payouts", "Cycle").objects.bulk_update(rows, [*SEALED, *OPENED], batch_size=100)


def _plain_digests(apps: Any, rows: list[Any]) -> None:
    keys = MigratedKeys(apps, [_payee(row) for row in rows])
    for row in rows:
        row.digest = sha256(_text(keys, row).encode()).hexdigest()
    apps.get_model("payouts", "ProposedRefund").objects.bulk_update(rows, ["digest"], batch_size=100)


def _winner(row: Any) -> str:
    return f"member:{row.winner_user_id}"


def _payee(row: Any) -> str:
    return f"member:{row.user_id}"


def _text(keys: MigratedKeys, row: Any) -> str:
    return f"{row.rail}:{row.kind}:{keys.reveal(_payee(row), row.sealed_value)}"


class Migration(migrations.Migration):
    """Encrypt the destinations of cycles under the winner's key.

    In batches, each in a transaction of its own: interrupted anywhere, it is run again. An open proposal of a refund has
    to be made again: it is bound to a plain hash.
    """

    atomic = False
    dependencies = [("payouts", "0011_columns_for_sealed"), ("core", "0007_key_ids")]

    operations = [migrations.RunPython(seal, unseal, atomic=False)]
