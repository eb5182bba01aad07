"""Members' credit: every account has an owner who was a member, no balance is below zero, every movement a cause."""

from collections.abc import Iterator

from ledger import queries as books
from ledger.enums import RECEIVABLE_REPAID, AccountRole, Currency
from ledger.types import AccountRef
from payouts.enums import TransactionKind
from sunusav.core.auditing import AuditScope, Breach, chunks
from sunusav.core.privacy import known_among
from transfers.enums import TransactionKind as TransferKind

CAUSES = {*TransferKind.values, *TransactionKind.values, RECEIVABLE_REPAID}


def credit_has_owner_and_cause(scope: AuditScope) -> Iterator[Breach]:
    for page in _balances(scope):
        known = known_among(page)
        for owner, balance in sorted(page.items()):
            if owner not in known:
                yield Breach("I08", owner, "there is credit, but no such member")
            if balance > 0:
                yield Breach("I11", owner, f"the credit is {-balance} msat")
    kinds = books.kinds_posted_to(AccountRole.MEMBER_CREDIT, Currency.MSAT, since=scope.since)
    for kind in sorted(kinds - CAUSES):
        yield Breach("I08", f"kind:{kind}", "moved members' credit, and no app moves it so")


def _balances(scope: AuditScope) -> Iterator[dict[str, int]]:
    """Yield the balances of members' credit by owner: of all, or of those that moved since."""
    if scope.since is None:
        yield from books.balance_pages(AccountRole.MEMBER_CREDIT, Currency.MSAT)
        return
    owners = books.owners_posted_to(AccountRole.MEMBER_CREDIT, Currency.MSAT, since=scope.since)
    for chunk in chunks(owners):
        refs = [AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, owner) for owner in chunk]
        yield {ref.owner: amount for ref, amount in books.balances(refs).items()}
