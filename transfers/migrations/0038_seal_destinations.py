import json
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from django.db import migrations
from django.db.models import Q

from sunusav.core.migration_sealing import MigratedKeys, in_batches

USER, MEMBER = "user:", "member:"


def seal(apps: Any, schema_editor: Any) -> None:
    """Encrypt destinations and orders, and key their hashes."""
    models = partial(apps.get_model, "transfers")
    disbursements = models("Disbursement").objects
    in_batches(disbursements.filter(person_ref=""), partial(_seal_disbursements, apps))
    in_batches(
        models("PaymentOrder").objects.filter(sealed_payload=None).select_related("disbursement"),
        partial(_seal_orders, apps),
    )
    is_clear = Q(sealed_destination=None) & ~Q(destination_value="")
    links = models("WithdrawalLink").objects.filter(Q(person_ref="") | is_clear)
    in_batches(links, partial(_seal_links, apps))


def _seal_disbursements(apps: Any, rows: list[Any]) -> None:
    """Encrypt the destinations of disbursements; their orders still have the plain digests of destinations."""
    destinations, orders = (
        apps.get_model("transfers", name).objects for name in ("DisbursementDestination", "PaymentOrder")
    )
    stored = list(destinations.filter(disbursement__in=rows).order_by("disbursement_id", "position"))
    of_row: dict[int, list[Any]] = {row.pk: [] for row in rows}
    for one in stored:
        of_row[one.disbursement_id].append(one)
    for row in rows:
        row.person_ref = _person_of(row)
    keys = MigratedKeys(apps, [row.person_ref for row in rows])
    new_digests: dict[tuple[int, str], str] = {}
    for row in rows:
        plain = [_plain_digest(one) for one in of_row[row.pk]]
        for one, digest in zip(of_row[row.pk], plain, strict=True):
            one.sealed_value = keys.seal(row.person_ref, one.value)
            one.digest = keys.digest(row.person_ref, _text(one))
            new_digests[row.pk, digest] = one.digest
        if row.approved_digest and row.approved_digest == _approval(row, plain):
            row.approved_digest = _approval(row, [one.digest for one in of_row[row.pk]])
    destinations.bulk_update(stored, ["sealed_value", "digest"], batch_size=100)
    _key_digests_of_orders(orders, rows, keys, new_digests)
    apps.get_model("transfers", "Disbursement").objects.bulk_update(
        rows, ["person_ref", "approved_digest"], batch_size=100
    )


def _key_digests_of_orders(
    orders: Any, rows: Sequence[Any], keys: MigratedKeys, new_digests: dict[tuple[int, str], str]
) -> None:
    """Give orders the digest of their destination; of one that was replaced since only the plain hash is known."""
    people = {row.pk: row.person_ref for row in rows}
    prepared = list(orders.filter(disbursement__in=rows).exclude(destination_digest=""))
    for order in prepared:
        plain = order.destination_digest
        keyed = keys.digest(people[order.disbursement_id], plain)
        order.destination_digest = new_digests.get((order.disbursement_id, plain), keyed)
    orders.bulk_update(prepared, ["destination_digest"], batch_size=100)


def _seal_orders(apps: Any, rows: list[Any]) -> None:
    keys = MigratedKeys(apps, [row.disbursement.person_ref for row in rows])
    for row in rows:
        person = row.disbursement.person_ref
        row.sealed_payload = keys.seal(person, row.payload)
        row.payee_digest = keys.digest(person, row.payee)
    apps.get_model("transfers", "PaymentOrder").objects.bulk_update(
        rows, ["sealed_payload", "payee_digest"], batch_size=100
    )


def _seal_links(apps: Any, rows: list[Any]) -> None:
    """Encrypt the destinations of redeemed links under the key of whom their disbursement pays."""
    paid = apps.get_model("transfers", "Disbursement").objects.filter(
        subject__in=[row.subject for row in rows]
    )
    people = dict(paid.order_by("pk").values_list("subject", "person_ref"))
    for row in rows:
        row.person_ref = people.get(row.subject, row.subject)
    keys = MigratedKeys(apps, [row.person_ref for row in rows])
    for row in rows:
        if row.destination_value:
            row.sealed_destination = keys.seal(row.person_ref, row.destination_value)
    apps.get_model("transfers", "WithdrawalLink").objects.bulk_update(
        rows, ["person_ref", "sealed_destination"], batch_size=100
    )


def unseal(apps: Any, schema_editor: Any) -> None:
    """Decrypt again what can be: an erased person's data and the payees of orders stay unknown."""
    models = partial(apps.get_model, "transfers")
    in_batches(
        models("PaymentOrder").objects.exclude(sealed_payload=None).select_related("disbursement"),
        partial(_unseal_orders, apps),
    )
    in_batches(models("WithdrawalLink").objects.exclude(person_ref=""), partial(_unseal_links, apps))
    in_batches(models("Disbursement").objects.exclude(person_ref=""), partial(_unseal_disbursements, apps))


def _unseal_orders(apps: Any, rows: list[Any]) -> None:
    keys = MigratedKeys(apps, [row.disbursement.person_ref for row in rows])
    for row in rows:
        row.payload = keys.reveal(row.disbursement.person_ref, row.sealed_payload)
        row.sealed_payload = None
    apps.get_model("transfers", "PaymentOrder").objects.bulk_update(
        rows, ["payload", "sealed_payload"], batch_size=100
    )


def _unseal_links(apps: Any, rows: list[Any]) -> None:
    keys = MigratedKeys(apps, [row.person_ref for row in rows])
    for row in rows:
        if row.sealed_destination is not None:
            row.destination_value = keys.reveal(row.person_ref, row.sealed_destination)
        row.person_ref, row.sealed_destination = "", None
    apps.get_model("transfers", "WithdrawalLink").objects.bulk_update(
        rows, ["destination_value", "person_ref", "sealed_destination"], batch_size=100
    )


def _unseal_disbursements(apps: Any, rows: list[Any]) -> None:
    destinations, orders = (
        apps.get_model("transfers", name).objects for name in ("DisbursementDestination", "PaymentOrder")
    )
    keys = MigratedKeys(apps, [row.person_ref for row in rows])
    by_id = {row.pk: row for row in rows}
    stored = list(destinations.filter(disbursement__in=rows).order_by("disbursement_id", "position"))
    before: dict[int, list[str]] = {row.pk: [] for row in rows}
    after: dict[int, list[str]] = {row.pk: [] for row in rows}
    plain: dict[tuple[int, str], str] = {}
    for one in stored:
        keyed = one.digest
        one.value = keys.reveal(by_id[one.disbursement_id].person_ref, one.sealed_value)
        one.digest = plain[one.disbursement_id, keyed] = _plain_digest(one)
        before[one.disbursement_id].append(keyed)
        after[one.disbursement_id].append(one.digest)
    destinations.bulk_update(stored, ["value", "digest"], batch_size=100)
    prepared = list(orders.filter(disbursement__in=rows).exclude(destination_digest=""))
    for order in prepared:
        known = (order.disbursement_id, order.destination_digest)
        order.destination_digest = plain.get(known, order.destination_digest)
    orders.bulk_update(prepared, ["destination_digest"], batch_size=100)
    for row in rows:
        if row.approved_digest and row.approved_digest == _approval(row, before[row.pk]):
            row.approved_digest = _approval(row, after[row.pk])
        row.person_ref = ""
    apps.get_model("transfers", "Disbursement").objects.bulk_update(
        rows, ["person_ref", "approved_digest"], batch_size=100
    )


def _person_of(row: Any) -> str:
    """Return whose key encrypts: that of the member who is paid, else the payee's."""
    payee = str(row.payee_ref or row.subject)
    return f"{MEMBER}{payee.removeprefix(USER)}" if payee.startswith(USER) else payee


def _text(destination: Any) -> str:
    return f"{destination.rail}:{destination.kind}:{destination.value}"


def _plain_digest(destination: Any) -> str:
    return sha256(_text(destination).encode()).hexdigest()


def _approval(row: Any, digests: list[str]) -> str:
    facts = {
        "payee": row.payee_ref, "payout_msat": row.payout_msat,
        "pay_xof": row.pay_xof if row.conversion_id is None else None, "destinations": digests,
    }  # fmt: skip
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()


class Migration(migrations.Migration):
    """Encrypt destinations and orders under the key of the person who is paid; key their hashes with it.

    In batches, each in a transaction of its own: interrupted anywhere, it is run again. Lines of the trail and proposals
    of before keep their plain hashes, since they are chained and approved; an open proposal that contains one has to be
    made again.
    """

    atomic = False
    dependencies = [("transfers", "0037_columns_for_sealed"), ("core", "0007_key_ids")]

    operations = [migrations.RunPython(seal, unseal, atomic=False)]
