"""Compare the messages to the platform that a test queued with the committed table of their fields."""

from sunusav.core.models import OutboxMessage
from tests.architecture.answer_fields import MESSAGES


def queued_fields() -> dict[str, set[str]]:
    """Return, by topic, each set of fields that a queued message has."""
    found: dict[str, set[str]] = {}
    for message in OutboxMessage.objects.order_by("pk"):
        found.setdefault(message.topic, set()).add(" ".join(sorted(message.payload)))
    return found


def require_fields_of_the_table() -> None:
    """Fail for a queued message that has a field more or less than the table says, or another topic."""
    queued = queued_fields()
    assert queued == {topic: {MESSAGES.get(topic, "unknown topic")} for topic in queued}
