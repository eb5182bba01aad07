"""The account that a partner's settlements are paid to: one person proposes it, a second person puts it in use."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from partners.errors import PartnerNotInUse
from partners.models import AdoptedSettlementAccount, SettlementAccount
from partners.queries import partners_in_use
from partners.settlements.errors import SettlementAccountNotFound
from partners.settlements.queries import account_in_use, person_of, registered_account
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, ProposalState, User
from sunusav.core.money import Currency, Money
from sunusav.core.privacy import keys_for
from transfers.destination_queries import PHONE
from transfers.rails import rail
from transfers.services.destinations import digest_of_destination, seal_destination
from transfers.types import Destination, Instruction

SETTLEMENT_ACCOUNT: Final = "settlement_account"
# An amount that every partner pays: only the number is checked.
USUAL_AMOUNT: Final = Money(1_000, Currency.XOF)


def propose_settlement_account(
    *, partner: str, value: str, holder: str, reason: str, proposer: User, now: datetime
) -> Proposal:
    """Propose the account with a partner that its settlements are paid to. One proposal per partner is open at most.

    Raises: PartnerNotInUse, ProposalAlreadyOpen, what the partner's rail refuses; and as `approvals.propose`.
    """
    destination = _checked(partner, value, now)
    with transaction.atomic():
        lock(SETTLEMENT_ACCOUNT)
        _require_none_open(partner)
        keys, person = keys_for(person_of(partner)), person_of(partner)
        row = SettlementAccount.objects.create(
            partner=partner, rail=destination.rail, kind=destination.kind,
            sealed_value=seal_destination(keys, person, destination).sealed_value,
            digest=digest_of_destination(keys, person, destination), holder=holder.strip(), reason=reason.strip(),
            proposer=proposer, proposed_at=now,
        )  # fmt: skip
        return approvals.propose(
            kind=SETTLEMENT_ACCOUNT, subject_id=str(row.pk), proposer=proposer, now=now, reason=row.reason
        )


def _checked(partner: str, value: str, now: datetime) -> Destination:
    if partner not in partners_in_use():
        raise PartnerNotInUse(partner=partner)
    destination = Destination(partner, PHONE, value.strip())
    rail(partner).check(Instruction(0, USUAL_AMOUNT, destination), now=now)
    return destination


def describe_settlement_account(subject_id: str) -> dict[str, Any]:
    """Return the facts to approve: the new account, and the one that it replaces, both masked.

    Raises: SettlementAccountNotFound.
    """
    row = account_of(subject_id)
    new, before = registered_account(row), account_in_use(row.partner)
    replaced = registered_account(before) if before else None
    return {
        "partner_name": row.partner, "rail": new.rail, "account_masked": new.masked_value, "holder": new.holder,
        "account_digest": new.digest, "account_in_use": replaced.masked_value if replaced else "",
        "holder_in_use": replaced.holder if replaced else "", "reason": row.reason,
    }  # fmt: skip


def account_of(subject_id: str) -> SettlementAccount:
    """Return the account that a proposal is about. Raises: SettlementAccountNotFound."""
    rows = SettlementAccount.objects.filter(pk=int(subject_id) if subject_id.isdecimal() else 0)
    found = rows.first()
    if found is None:
        raise SettlementAccountNotFound(account_id=subject_id)
    return found


def adopt_settlement_account(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Put an account in use; called when a second person approves it. Approved settlements are approved again.

    Raises: SettlementAccountNotFound, ProposalFactsChanged.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    lock(SETTLEMENT_ACCOUNT)
    facts = describe_settlement_account(proposal.subject_id)
    approvals.require_as_proposed(proposal, facts)
    row = account_of(proposal.subject_id)
    AdoptedSettlementAccount.objects.create(
        account=row,
        adopted_at=now,
        proposal=proposal,
        proposer_id=proposal.proposer_id,
        approver_id=actor.user_id,
    )
    trail.record(
        subject=f"{SETTLEMENT_ACCOUNT}:{row.pk}", action="adopt", actor=actor, at=now,
        facts={name: facts[name] for name in ("partner_name", "account_masked", "holder")},
    )  # fmt: skip


def _require_none_open(partner: str) -> None:
    for proposal in Proposal.objects.filter(kind=SETTLEMENT_ACCOUNT, state=ProposalState.OPEN):
        if account_of(proposal.subject_id).partner == partner:
            raise approvals.ProposalAlreadyOpen(
                kind=SETTLEMENT_ACCOUNT, subject_id=proposal.subject_id, proposal_id=str(proposal.pk)
            )
