"""What proves a delivery, and what one led to, as codes."""

from django.db.models import TextChoices


class Authenticity(TextChoices):
    """What proved that a delivery is the partner's. A secret path proves little: anyone who sees the address has it."""

    SIGNATURE = "signature"
    SHARED_SECRET = "shared_secret"  # noqa: S105  (a code, not a secret)
    SECRET_PATH = "secret_path"  # noqa: S105  (likewise)


class WebhookOutcome(TextChoices):
    """What a delivery led to. The partner's answer to the query decides, never the delivery."""

    NO_REFERENCE = "no_reference"
    UNKNOWN_REFERENCE = "unknown_reference"
    COLLECTION_QUERIED = "collection_queried"
    PAYMENT_QUERIED = "payment_queried"


class SettlementState(TextChoices):
    """What is stored of a settlement. Closed: it waits for a decision, or was rejected; its proposal says which."""

    CLOSED = "month_closed"
    APPROVED = "approved"
    ORDERED = "payment_ordered"
    SETTLED = "settled"


class SettlementStatus(TextChoices):
    """How far a settlement is, as people see it: of an ordered one, its payment says."""

    PENDING = "pending"
    APPROVED = "approved"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"


# An approval is void once another account is registered; a cancelled payment makes an approved one of it again.
SETTLEMENT_TRANSITIONS: dict[str, frozenset[str]] = {
    SettlementState.CLOSED: frozenset({SettlementState.APPROVED}),
    SettlementState.APPROVED: frozenset(
        {SettlementState.ORDERED, SettlementState.SETTLED, SettlementState.CLOSED}
    ),
    SettlementState.ORDERED: frozenset({SettlementState.SETTLED, SettlementState.CLOSED}),
}
