"""Pages by keyset: walking them finds each row once, in order, with equal and empty values, in both directions."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sunusav.core.keyset import (
    BadSignature,
    Order,
    Position,
    beyond,
    order_beyond,
    read_cursor,
    turned,
    write_cursor,
)
from sunusav.core.models import OutboxMessage

NOW = datetime(2026, 3, 4, 10, 5, 6, 123456, tzinfo=UTC)


@pytest.fixture
def messages(db: None) -> None:
    """Create messages of which several have the same moments, or none."""
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            topic="t", subject=f"cycle:{number % 3}", payload={}, created_at=NOW, next_try_at=NOW,
            delivered_at=None if number % 4 == 0 else NOW + timedelta(seconds=number % 5),
        )
        for number in range(40)
    )  # fmt: skip


ORDERS: list[Order] = [
    ("id",),
    ("-id",),
    ("delivered_at", "id"),
    ("-delivered_at", "-id"),
    ("subject", "delivered_at", "id"),
    ("-subject", "-delivered_at", "-id"),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 7, 40])
def test_walk_finds_each_row_once_in_order(messages: None, order: Order, size: int) -> None:
    found: list[Position] = []
    while page := _page(order, found[-1] if found else None, size):
        found += page

    assert found == list(OutboxMessage.objects.order_by(*order).values_list(*_columns(order)))


def _page(order: Order, start: Position | None, size: int) -> list[Position]:
    rows = OutboxMessage.objects.order_by(*order).values_list(*_columns(order))
    if start is not None:
        rows = rows.filter(beyond(order, start, nullable={"delivered_at"}))
    return list(rows[:size])


def _columns(order: Order) -> list[str]:
    return [name.removeprefix("-") for name in order]


def test_turned_order_is_the_opposite() -> None:
    assert turned(("-delivered_at", "-id")) == ("delivered_at", "id")
    assert turned(("delivered_at", "id")) == ("-delivered_at", "-id")


def test_cursor_returns_each_kind_of_value() -> None:
    position = (NOW, date(2026, 3, 4), Decimal("66000000.5"), None, "cycle:é", 17, True)

    assert read_cursor(write_cursor(position, salt="list"), salt="list") == position


@pytest.mark.parametrize(
    "cursor", ["", "x", write_cursor((1,), salt="another list")], ids=["empty", "made up", "other"]
)
def test_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(BadSignature):
        read_cursor(cursor, salt="list")


@pytest.mark.parametrize(
    ("order", "position", "expected"),
    [
        (("-at", "-id"), (None, 7), ("-id",)),
        (("-at", "-id"), (3, 7), ("-at", "-id")),
        (("at", "id"), (None, 7), ("at", "id")),
        (("-a", "-b", "-id"), (None, None, 7), ("-id",)),
        (("-a", "-b", "-id"), (None, 2, 7), ("-b", "-id")),
        (("-id",), (7,), ("-id",)),
    ],
)
def test_order_leaves_out_columns_that_are_null_in_all_that_follows(
    order: tuple[str, ...], position: tuple[object, ...], expected: tuple[str, ...]
) -> None:
    assert order_beyond(order, position) == expected
