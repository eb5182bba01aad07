"""A row that breaks the constraint of listener cursors."""

from lightning.models import ListenerCursor
from tests.support.constraints import Violation


def cursor() -> ListenerCursor:
    return ListenerCursor.objects.create(node_pubkey="02")


VIOLATIONS = [Violation("listenercursor_index_is_not_negative", cursor, {"settle_index": -1})]
