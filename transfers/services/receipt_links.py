"""Links that show a receipt to anybody who has them: signed, limited in time, and revocable."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import User
from sunusav.core.transactions import retried_on_deadlock
from transfers.document_errors import ReceiptLinkMissing, ReceiptMissing, ReceiptNotAllowed
from transfers.document_queries import link_facts, receipt_kind
from transfers.models import IssuedReceipt, ReceiptLink
from transfers.models.issued_receipt import NONCE_DIGITS
from transfers.services.issuing import issued_row
from transfers.types import ReceiptLinkFacts

# Long enough to find the message again; a person who keeps the receipt keeps the PDF.
LIFETIME: Final = timedelta(days=90)


@retried_on_deadlock
def open_receipt_link(*, kind: str, key: int, user: User, now: datetime) -> ReceiptLinkFacts:
    """Return the link of a payment's receipt; the receipt is issued, and a link opened, where there is none.

    Raises: ReceiptNotAllowed; and as `issue_receipt`.
    """
    what = receipt_kind(kind)
    if not user.has_perm(what.permission):
        raise ReceiptNotAllowed(kind=kind, permission=what.permission)
    actor = Actor.of(user)
    with transaction.atomic():
        receipt = issued_row(what, key, actor=actor, now=now)
        return link_facts(_live_link(receipt, now=now) or _open(receipt, actor, now))


@retried_on_deadlock
def revoke_receipt_link(*, number: str, actor: Actor, now: datetime, reason: str = "") -> ReceiptLinkFacts:
    """Revoke the open link of a receipt: nobody sees the receipt by it any more. The next link is another.

    Raises: ReceiptMissing, ReceiptLinkMissing.
    """
    receipt = IssuedReceipt.objects.select_related("issuer__issuer").filter(number=number).first()
    if receipt is None:
        raise ReceiptMissing(number=number)
    with transaction.atomic():
        lock(f"receipts:{receipt.kind}")
        link = _live_link(receipt, now=now)
        if link is not None:
            _close(link, "revoke_link", actor, now, reason)
    if link is None:
        raise ReceiptLinkMissing(number=number)
    return link_facts(link)


def _live_link(receipt: IssuedReceipt, *, now: datetime) -> ReceiptLink | None:
    """Return the open link of a receipt, after closing one that expired."""
    link = ReceiptLink.objects.filter(live_receipt=receipt.pk).first()
    if link is None:
        return None
    link.receipt = receipt
    if link.expires_at > now:
        return link
    _close(link, "expire_link", Actor.system("transfers.receipt_links"), now)
    return None


def _open(receipt: IssuedReceipt, actor: Actor, now: datetime) -> ReceiptLink:
    link = ReceiptLink.objects.create(
        receipt=receipt, nonce=secrets.token_hex(NONCE_DIGITS // 2), opened_by=actor.label, opened_at=now,
        expires_at=now + LIFETIME,
    )  # fmt: skip
    _record(link, "open_link", actor, now)
    return link


def _close(link: ReceiptLink, action: str, actor: Actor, now: datetime, reason: str = "") -> None:
    ReceiptLink.objects.filter(pk=link.pk, closed_at=None).update(closed_at=now)
    _record(link, action, actor, now, reason)


def _record(link: ReceiptLink, action: str, actor: Actor, now: datetime, reason: str = "") -> None:
    trail.record(
        subject=f"issued_receipt:{link.receipt_id}", action=action, actor=actor, at=now, reason=reason,
        facts={"link": link.pk, "expires_at": link.expires_at.isoformat()},
    )  # fmt: skip
