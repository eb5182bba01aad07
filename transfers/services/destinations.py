"""Encrypt destinations under the key of the person who is paid, and say what trail and approvals have of them."""

from collections.abc import Sequence

from sunusav.core.privacy import PersonKeys, keys_for
from transfers.destination_queries import opened_with
from transfers.models import Disbursement, DisbursementDestination
from transfers.queries import destinations_of
from transfers.types import Destination, DisbursementRequest, SealedDestination, approval_digest


def seal_destination(keys: PersonKeys, person_ref: str, destination: Destination) -> SealedDestination:
    """Encrypt a destination under a person's key. Raises: PersonErased."""
    sealed = keys.seal(person_ref, destination.value)
    return SealedDestination(destination.rail, destination.kind, person_ref, sealed)


def digest_of_destination(keys: PersonKeys, person_ref: str, destination: Destination) -> str:
    """Return what tells a person's destinations apart without showing them. Raises: PersonErased."""
    return keys.digest(person_ref, f"{destination.rail}:{destination.kind}:{destination.value}")


def digests_of_destinations(person_ref: str, destinations: Sequence[Destination]) -> list[str]:
    """Return the digest of each destination of a person, whose key is created on first use. Raises: PersonErased."""
    keys = keys_for(person_ref)
    return [digest_of_destination(keys, person_ref, one) for one in destinations]


def request_digest(request: DisbursementRequest) -> str:
    """Identify what an approval is given to: payee, amounts, and where they go. Raises: PersonErased."""
    destinations = [choice.destination for choice in request.choices]
    return approval_digest(
        payee_ref=request.payee, payout_msat=request.payout_msat, pay_xof=request.pay_xof,
        destination_digests=digests_of_destinations(request.person, destinations),
    )  # fmt: skip


def is_as_approved(row: Disbursement, keys: PersonKeys) -> bool:
    """Return whether payee, amounts and destinations are those that an approval was given to, where there is one.

    Raises: PersonErased.
    """
    if not row.approved_digest:
        return True
    return row.approved_digest == approval_digest(
        payee_ref=row.payee_ref, payout_msat=row.payout_msat,
        pay_xof=row.pay_xof if row.conversion_id is None else None,
        destination_digests=[stored_digest(one, keys) for one in destinations_of(row)],
    )  # fmt: skip


def stored_digest(stored: DisbursementDestination, keys: PersonKeys) -> str:
    """Return the digest of the value that is stored, whatever digest is stored beside it. Raises: PersonErased."""
    sealed = stored.destination
    return digest_of_destination(keys, sealed.person_ref, opened_with(keys, sealed))


def destination_facts(rail: str, kind: str, digest: str) -> dict[str, str]:
    """Return what the trail has of a destination; once the person's key is erased, the digest says nothing."""
    return {"rail": rail, "kind": kind, "destination_digest": digest}
