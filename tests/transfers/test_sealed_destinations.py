"""Destinations and orders are encrypted under the key of whom they pay, hidden in reprs, and masked for people."""

from dataclasses import replace

import pytest
from pytest_django import DjangoAssertNumQueries

from ledger.types import msat
from sunusav.core.models import TrailEntry
from sunusav.core.privacy import PersonErased, erase
from tests.transfers.builders import BY, NOW, destination_row, ordered, replace_destination, request_for, run
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from transfers.destination_queries import (
    destinations_for,
    mask_destination,
    masked_destinations,
    open_destinations,
)
from transfers.engine.destinations import order_of
from transfers.enums import FailureClass
from transfers.models import Disbursement, PaymentOrder
from transfers.services.destinations import request_digest
from transfers.types import Destination, Instruction, Order, PreviousOrder

PHONE = "+221771234567"


def test_reprs_show_no_value() -> None:
    to_phone = Destination("wave", "phone", PHONE)
    order = Order("wave", "w-1", PHONE, msat(1), msat(0), PHONE, "account", NOW, NOW)
    instruction = Instruction(1, msat(1), to_phone, PreviousOrder(order, FailureClass.RETRY), "digest")
    assert PHONE not in f"{to_phone!r} {order!r} {instruction!r} {request_for(destination=to_phone)!r}"


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("phone", PHONE, "+22177•••••67"),
        ("lightning_address", "awa@wallet.example", "a…@wallet.example"),
        ("bolt11", "lnbcrt100n1" + "x" * 100, "lnbcrt10…xxxx"),
        ("lnurl", "short", "…"),
    ],
)
def test_values_are_masked_by_kind(kind: str, value: str, masked: str) -> None:
    assert mask_destination(kind, value) == masked


@pytest.mark.django_db
def test_stored_destinations_and_orders_are_opened_with_the_key_of_the_person(watch: Watch) -> None:
    disbursement_id = ordered(person_ref="member:awa")
    run(watch)

    row = destination_row(disbursement_id)
    given = invoice_for("awa", 99_000)
    assert Disbursement.objects.get().person_ref == row.destination.person_ref == "member:awa"
    assert given.value.encode() not in bytes(row.sealed_value)
    assert open_destinations([row.destination]) == [given]
    order = PaymentOrder.objects.get()
    assert given.value.encode() not in bytes(order.sealed_payload)
    assert (order_of(order).payload, order_of(order).payee) == (given.value, "")


@pytest.mark.django_db
def test_without_a_person_the_payee_or_else_the_subject_has_the_key() -> None:
    ordered("a", payee_ref="user:a")
    ordered("b")
    assert list(Disbursement.objects.order_by("pk").values_list("person_ref", flat=True)) == [
        "user:a", "cycle:b",
    ]  # fmt: skip


@pytest.mark.django_db
def test_many_are_opened_or_masked_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ids = [ordered(name) for name in ("a", "b", "c")]
    sealed = [destination_row(one).destination for one in ids]
    erase("cycle:b", now=NOW)

    with django_assert_num_queries(1):
        masked = [one.masked_value for one in masked_destinations(sealed)]
    assert masked == ["fake|reg…00|a", "…", "fake|reg…00|c"]
    with pytest.raises(PersonErased):
        open_destinations(sealed)


@pytest.mark.django_db
def test_destinations_of_a_person_are_found_by_subject() -> None:
    ordered("a", person_ref="member:a")
    ordered("b", person_ref="member:b")
    found = destinations_for(["cycle:a", "cycle:b", "cycle:c"], person_ref="member:a")
    assert open_destinations(found) == [invoice_for("a", 99_000)]


@pytest.mark.django_db
def test_digests_of_one_person_agree_and_those_of_another_differ(node: SteeredRail) -> None:
    request = request_for(person_ref="member:awa")
    assert request_digest(request) == request_digest(request)
    assert request_digest(request) != request_digest(replace(request, person_ref="member:binta"))
    assert request_digest(request) != request_digest(request_for("other", subject="cycle:awa"))


@pytest.mark.django_db
def test_trail_has_the_digest_that_the_row_has(node: SteeredRail) -> None:
    disbursement_id = ordered()
    first = destination_row(disbursement_id)
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("new", 99_000), actor=BY, now=NOW
    )
    named = {"rail": "lightning", "kind": "bolt11"}
    assert TrailEntry.objects.get(action="redirect").facts == {
        "from": {**named, "destination_digest": first.digest},
        "to": {**named, "destination_digest": destination_row(disbursement_id).digest},
    }
