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
