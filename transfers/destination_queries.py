"""Destinations in clear, for those who pay them, and masked, for everybody else."""

from collections.abc import Collection, Sequence

from sunusav.core.privacy import (
    ERASED,
    PersonErased,
    PersonKeys,
    keys_of,
    mask_address,
    mask_phone,
    mask_text,
)
from transfers.models import DisbursementDestination, WithdrawalLink
from transfers.types import Destination, MaskedDestination, SealedDestination

PHONE = "phone"


def open_destinations(sealed: Sequence[SealedDestination]) -> list[Destination]:
    """Decrypt destinations, in one query. Raises: PersonErased."""
    keys = keys_of([one.person_ref for one in sealed])
    return [opened_with(keys, one) for one in sealed]


def opened_with(keys: PersonKeys, sealed: SealedDestination) -> Destination:
    """Decrypt a destination with keys that were read before. Raises: PersonErased."""
    return Destination(sealed.rail, sealed.kind, keys.reveal(sealed.person_ref, sealed.sealed_value))


def masked_destinations(sealed: Sequence[SealedDestination]) -> list[MaskedDestination]:
    """Return destinations as people see them, in one query; those of erased people are an ellipsis."""
    keys = keys_of([one.person_ref for one in sealed])
    return [_masked(keys, one) for one in sealed]


def _masked(keys: PersonKeys, sealed: SealedDestination) -> MaskedDestination:
    try:
        shown = mask_destination(sealed.kind, opened_with(keys, sealed).value)
    except PersonErased:
        shown = ERASED
    return MaskedDestination(sealed.rail, sealed.kind, shown)


def mask_destination(kind: str, value: str) -> str:
    """Mask where money goes: the middle of a phone, the name of an address, all but the ends of anything else."""
    if kind == PHONE:
        return mask_phone(value)
    return mask_address(value) if kind == "lightning_address" else mask_text(value)


def destinations_for(subjects: Collection[str], *, person_ref: str) -> list[SealedDestination]:
    """Return where payments for these subjects go or went that are a person's, in two queries."""
    paid = DisbursementDestination.objects.filter(
        disbursement__subject__in=subjects, disbursement__person_ref=person_ref
    )
    links = WithdrawalLink.objects.filter(subject__in=subjects, person_ref=person_ref)
    redeemed = (row.destination for row in links.order_by("pk"))
    stored = (row.destination for row in paid.select_related("disbursement").order_by("pk"))
    return [*stored, *(one for one in redeemed if one is not None)]
