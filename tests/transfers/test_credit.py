"""A member's credit: used for one subject, returned once, and shown as movements."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger.enums import AccountRole, Currency
from ledger.errors import AccountShort
from ledger.queries import owed
from ledger.services import post
from ledger.types import AccountRef, credit, debit
from sunusav.core.auditing import AuditScope
from sunusav.core.models import TrailEntry
from tests.transfers.builders import BY, NODE, NOW
from tests.transfers.unchanged import unchanged
from transfers.credit_queries import credit_movements, credit_msat, live_credit_use
from transfers.errors import CreditAlreadyUsed, CreditNotUsed, CreditShort
from transfers.invariants import INVARIANTS
from transfers.models import CreditUse
from transfers.services.credit import return_credit, use_credit
from transfers.types import CreditUseFacts, credit_of

pytestmark = pytest.mark.django_db

SUBJECT = "contribution:1"
POT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
INCOME = AccountRef(AccountRole.SUBSCRIPTION_INCOME, Currency.MSAT)


def credited(amount_msat: int, user_id: str = "awa", *, reference: str = "first") -> None:
    """Put credit on a member's account, as an overpayment does."""
    lines = [debit(NODE, amount_msat), credit(credit_of(user_id), amount_msat)]
    post(kind="receipt_for_test", reference=f"{user_id}:{reference}", lines=lines, at=NOW, subject="test:1")


def used(
    amount_msat: int, *, user_id: str = "awa", subject: str = SUBJECT, into: AccountRef = POT
) -> CreditUseFacts:
    return use_credit(user_id=user_id, amount_msat=amount_msat, into=into, subject=subject, actor=BY, now=NOW)


def returned(subject: str = SUBJECT) -> CreditUseFacts:
    return return_credit(subject=subject, actor=BY, reason="cancelled", now=NOW + timedelta(hours=1))


def breaches() -> list[str]:
    scope = AuditScope(now=NOW)
    return [f"{found.invariant} {found.subject}" for rule in INVARIANTS for found in rule.find(scope)]


def test_use_moves_credit_to_the_account_of_the_subject() -> None:
    credited(11_500)

    facts = used(11_000)

    assert (facts.subject, facts.amount_msat, facts.into, facts.returned_at) == (SUBJECT, 11_000, POT, None)
    assert (credit_msat("awa"), owed(POT)) == (500, 11_000)
    assert live_credit_use(SUBJECT) == facts
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.action) == (f"credit_use:{facts.id}", "use_credit")
    assert entry.facts == {"amount_msat": 11_000, "subject": SUBJECT}
    assert breaches() == []


def test_use_of_more_than_there_is_is_refused() -> None:
    credited(11_500)
    with unchanged(), pytest.raises(CreditShort) as error:
        used(11_501)
    assert error.value.facts == {"needed_msat": 11_501, "available_msat": 11_500}


def test_use_again_returns_the_same_even_when_nothing_is_left() -> None:
    credited(11_500)
    first = used(11_500)
    with unchanged():
        assert used(11_500) == first


@pytest.mark.parametrize(
    "other",
    [
        lambda: used(2),
        lambda: used(1, user_id="binta"),
        lambda: used(1, into=INCOME),
    ],
)
def test_use_for_a_subject_that_was_paid_for_otherwise_is_refused(other: Callable[[], object]) -> None:
    credited(10)
    credited(10, "binta")
    used(1)
    with unchanged(), pytest.raises(CreditAlreadyUsed) as error:
        other()
    assert error.value.facts == {"subject": SUBJECT, "amount_msat": 1}


def test_return_gives_it_back_once_and_the_subject_may_be_paid_for_again() -> None:
    credited(11_500)
    used(11_000)

    facts = returned()

    assert facts.returned_at == NOW + timedelta(hours=1)
    assert (credit_msat("awa"), owed(POT)) == (11_500, 0)
    use = CreditUse.objects.get()
    assert use.return_transaction is not None
    assert use.return_transaction.reverses_id == use.transaction_id
    assert TrailEntry.objects.latest("pk").action == "return_credit"
    with unchanged(), pytest.raises(CreditNotUsed) as error:
        returned()
    assert error.value.facts == {"subject": SUBJECT}
    assert used(500).id != use.pk
    assert breaches() == []


def test_return_of_what_its_account_has_spent_is_refused() -> None:
    credited(10)
    used(10)
    post(kind="test", reference="spent", lines=[debit(POT, 1), credit(NODE, 1)], at=NOW, subject="test:1")
    with unchanged(), pytest.raises(AccountShort):
        returned()


def test_return_from_income_needs_no_balance() -> None:
    credited(10)
    used(10, into=INCOME)
    returned()
    assert (credit_msat("awa"), owed(INCOME)) == (10, 0)


def test_movements_are_listed_newest_first_and_page_by_page() -> None:
    credited(10)
    used(4)
    returned()

    newest = credit_movements("awa", before_id=None, limit=2)

    assert [(one.kind, one.amount, one.subject) for one in newest] == [
        ("credit_returned", -4, SUBJECT), ("credit_used", 4, SUBJECT),
    ]  # fmt: skip
    older = credit_movements("awa", before_id=newest[-1].transaction_id, limit=2)
    assert [(one.kind, one.amount, one.at) for one in older] == [("receipt_for_test", -10, NOW)]
    assert credit_movements("binta", before_id=None, limit=2) == []
