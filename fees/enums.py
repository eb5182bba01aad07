"""Words of the fee room."""

from django.db.models import TextChoices

from sunusav.core.transitions import Transitions


class DraftState(TextChoices):
    """A draft is edited until it is published or discarded; what is published is an unchanging copy."""

    DRAFT = "draft"
    PUBLISHED = "published"
    DISCARDED = "discarded"


DRAFT_TRANSITIONS: Transitions = {
    DraftState.DRAFT: frozenset({DraftState.PUBLISHED, DraftState.DISCARDED}),
}


class DiscountKind(TextChoices):
    """Why somebody pays less."""

    VERIFIED_GROUP = "verified_group"
    SUBSCRIPTION = "subscription"


HOLDER_PREFIXES = {DiscountKind.VERIFIED_GROUP: "group:", DiscountKind.SUBSCRIPTION: "user:"}
