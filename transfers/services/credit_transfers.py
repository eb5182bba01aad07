"""Move a member's whole credit to another person: one person proposes it with evidence, a second person approves."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from ledger.errors import AccountShort
from ledger.queries import owed
from ledger.services import post, require_owed
from ledger.types import Line, credit, debit
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.models import Proposal, ProposalState, User
from sunusav.core.privacy import is_known, lock_person
from sunusav.core.subjects import key_of
from transfers.credit_errors import (
    CreditEmpty,
    CreditHolderMissing,
    CreditTransferEvidenceMissing,
    CreditTransferMissing,
    CreditTransferProposed,
    CreditTransferToSelf,
)
from transfers.enums import TransactionKind
from transfers.errors import CreditShort
from transfers.models import CreditTransfer, CreditTransferRequest
from transfers.types import credit_of, member_ref

CREDIT_TRANSFER: Final = "credit_transfer"


def propose_credit_transfer(
    *,
    from_user_id: str,
    to_user_id: str,
    reference: str,
    explanation: str,
    proposer: User,
    now: datetime,
) -> Proposal:
    """Propose to a second person to move all credit that a member has now to another person.

    The credit of somebody whose data was erased may be moved; an erased person receives none.
    Raises: CreditTransferToSelf, CreditTransferEvidenceMissing, CreditHolderMissing, PersonErased,
    CreditTransferProposed, CreditEmpty, NotAllowedToDecide.
    """
    _require_proposable(from_user_id, to_user_id, {"reference": reference, "explanation": explanation})
    owner = credit_of(from_user_id)
    with transaction.atomic():
        lock_person(member_ref(to_user_id))
        # Nothing is needed yet, but the lock, under which nobody else proposes or books a transfer of it.
        require_owed({owner: 0}, now=now)
        _require_none_waits(from_user_id)
        amount_msat = owed(owner)
        if amount_msat <= 0:
            raise CreditEmpty(user_id=from_user_id)
        row = CreditTransferRequest.objects.create(
            from_owner=member_ref(from_user_id), to_owner=member_ref(to_user_id), amount_msat=amount_msat,
            reference=reference.strip(), explanation=explanation.strip(), proposer=proposer, proposed_at=now,
        )  # fmt: skip
        return approvals.propose(
            kind=CREDIT_TRANSFER, subject_id=str(row.pk), proposer=proposer, now=now, reason=row.explanation
        )


def describe_credit_transfer(subject_id: str) -> dict[str, Any]:
    """Return the facts that an approval is bound to. Raises: CreditTransferMissing."""
    row = transfer_request(subject_id)
    return {
        "from_member": key_of(row.from_owner), "to_member": key_of(row.to_owner),
        "amount_msat": row.amount_msat, "reference": row.reference, "explanation": row.explanation,
    }  # fmt: skip


def transfer_request(subject_id: str) -> CreditTransferRequest:
    """Return the transfer that a proposal is about. Raises: CreditTransferMissing."""
    rows = CreditTransferRequest.objects.filter(pk=int(subject_id) if subject_id.isdecimal() else 0)
    found = rows.first()
    if found is None:
        raise CreditTransferMissing(transfer_id=subject_id)
    return found


def transfer_credit(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Move the credit; called when a second person approves it.

    Credit that was added meanwhile stays; where some was used, nothing is moved.
    Raises: CreditTransferMissing, PersonErased, CreditShort.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    row = transfer_request(proposal.subject_id)
    lock_person(row.to_owner)
    try:
        require_owed({row.from_account: row.amount_msat}, now=now)
    except AccountShort as short:
        raise CreditShort(needed_msat=short.needed, available_msat=short.available) from short
    booked = post(
        kind=TransactionKind.CREDIT_TRANSFERRED, reference=f"credit_transfer:{row.pk}", lines=transfer_lines(row),
        at=now, subject=subject_of(row.pk),
    )  # fmt: skip
    CreditTransfer.objects.create(
        request=row, transaction_id=booked, proposal=proposal, proposer_id=proposal.proposer_id,
        approver_id=actor.user_id, transferred_at=now,
    )  # fmt: skip
    trail.record(
        subject=subject_of(row.pk), action="transfer_credit", actor=actor, at=now,
        facts={"amount_msat": row.amount_msat, "transaction": booked, "proposal": proposal.pk},
    )  # fmt: skip


def transfer_lines(row: CreditTransferRequest) -> list[Line]:
    """Return what a transfer books."""
    return [debit(row.from_account, row.amount_msat), credit(row.to_account, row.amount_msat)]


def subject_of(request_id: int) -> str:
    return f"{CREDIT_TRANSFER}:{request_id}"


def _require_proposable(from_user_id: str, to_user_id: str, evidence: dict[str, str]) -> None:
    if from_user_id == to_user_id:
        raise CreditTransferToSelf(user_id=from_user_id)
    for name, text in evidence.items():
        if not text.strip():
            raise CreditTransferEvidenceMissing(missing=name)
    for user_id in (from_user_id, to_user_id):
        if not is_known(member_ref(user_id)):
            raise CreditHolderMissing(user_id=user_id)


def _require_none_waits(from_user_id: str) -> None:
    transfer_id = waiting_transfer(from_user_id)
    if transfer_id is not None:
        raise CreditTransferProposed(user_id=from_user_id, transfer_id=transfer_id)


def waiting_transfer(from_user_id: str) -> int | None:
    """Return the number of the transfer of a member's credit that waits for a decision, if there is one."""
    requests = CreditTransferRequest.objects.filter(from_owner=member_ref(from_user_id))
    keys = [str(pk) for pk in requests.values_list("pk", flat=True)]
    waiting = Proposal.objects.filter(kind=CREDIT_TRANSFER, subject_id__in=keys, state=ProposalState.OPEN)
    key = waiting.values_list("subject_id", flat=True).first()
    return int(key) if key else None
