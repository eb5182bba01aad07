"""The listener's cursor of each node: it moves forward only, and no other node's moves."""

from datetime import timedelta

import pytest

from lightning.models import ListenerCursor
from lightning.services import move_cursor, open_cursor
from sunusav.core import clock

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("reported", "expected"), [(6, 6), (5, 5), (4, 5), (0, 5)])
def test_cursor_moves_forward_and_never_back(reported: int, expected: int) -> None:
    now = clock.now()
    open_cursor("node")
    move_cursor("node", settle_index=5, now=now)

    move_cursor("node", settle_index=reported, now=now + timedelta(minutes=1))

    row = ListenerCursor.objects.get()
    assert (row.settle_index, row.moved_at == now) == (expected, reported <= 5)


def test_cursor_of_another_node_stays_where_it_is() -> None:
    for node in ("ours", "replaced"):
        open_cursor(node)

    move_cursor("ours", settle_index=5, now=clock.now())

    assert dict(ListenerCursor.objects.values_list("node_pubkey", "settle_index")) == {
        "ours": 5,
        "replaced": 0,
    }
