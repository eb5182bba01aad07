"""States of drafts, and kinds of discounts with their holders."""

from django.db.models import TextChoices

from sunusav.core.transitions import Transitions


class DraftState(TextChoices):
    """A draft is edited until it is published or discarded. Publishing makes an immutable copy."""

    DRAFT = "draft"
    PUBLISHED = "published"
    DISCARDED = "discarded"


DRAFT_TRANSITIONS: Transitions = {
    DraftState.DRAFT: frozenset({DraftState.PUBLISHED, DraftState.DISCARDED}),
}


class DiscountKind(TextChoices):
    """Why a payout costs less."""

    VERIFIED_GROUP = "verified_group"
    SUBSCRIPTION = "subscription"


HOLDER_PREFIXES = {DiscountKind.VERIFIED_GROUP: "group:", DiscountKind.SUBSCRIPTION: "user:"}
