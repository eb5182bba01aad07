"""D1: balanced postings of five entries, one by one and many at once, against django-hordak's loop.

Both write into the same server, a commit for each posting of the loops; both refuse what does not balance.
"""

from collections.abc import Callable, Sequence
from time import perf_counter

from django.db import transaction
from djmoney.money import Money
from hordak.models import Account, AccountType, Leg, Transaction

from bench.ratios import paired, print_ratio, spread
from ledger.enums import AccountRole, Currency
from ledger.services import post, post_all
from ledger.types import AccountRef, Line, Posting
from sunusav.core import clock

POSTINGS, AT_ONCE = 200, 50
# The entries of a paid payout: out of transit; the net from the node; the fee to its three owners. They are in francs,
# because hordak keeps two decimals of a currency.
LINES = (
    (AccountRef(AccountRole.IN_TRANSIT, Currency.XOF), 100_000),
    (AccountRef(AccountRole.BANK, Currency.XOF), -99_500),
    (AccountRef(AccountRole.PLATFORM_FEE_INCOME, Currency.XOF), -250),
    (AccountRef(AccountRole.COMMUNITY_FUND, Currency.XOF), -100),
    (AccountRef(AccountRole.PARTNER_RESERVE, Currency.XOF, "wave"), -150),
)


def main(rounds: int) -> int:
    theirs = [_hordak_account(number) for number in range(len(LINES))]
    one_by_one(["warm"])
    hordak(theirs, ["warm"])
    measured = [_round(theirs, number) for number in range(rounds)]
    loop, batched, rival = ([one[side] for one in measured] for side in range(3))
    sizes = f"{rounds} rounds of {POSTINGS} postings"
    print_ratio(
        "D1", paired(loop, rival), f"ours {spread(loop, '/s')}, hordak {spread(rival, '/s')}; {sizes}"
    )
    print_ratio("D1+", paired(batched, rival), f"{AT_ONCE} at once {spread(batched, '/s')}")
    return 0  # a ratio below its target is printed and no failure: it depends on the machine


def _round(theirs: Sequence[Account], number: int) -> tuple[float, float, float]:
    names = [f"{number}-{count}" for count in range(POSTINGS)]
    return (
        _rate(lambda: one_by_one([f"loop-{name}" for name in names])),
        _rate(lambda: at_once([f"many-{name}" for name in names])),
        _rate(lambda: hordak(theirs, names)),
    )


def _rate(work: Callable[[], None]) -> float:
    began = perf_counter()
    work()
    return POSTINGS / (perf_counter() - began)


def one_by_one(references: Sequence[str]) -> None:
    for reference in references:
        with transaction.atomic():
            post(kind="bench", reference=reference, lines=_lines(), at=clock.now(), subject="bench")


def at_once(references: Sequence[str]) -> None:
    for start in range(0, len(references), AT_ONCE):
        now, some = clock.now(), references[start : start + AT_ONCE]
        with transaction.atomic():
            post_all([Posting("bench", reference, tuple(_lines()), now, "bench") for reference in some])


def _lines() -> list[Line]:
    return [Line(account, amount) for account, amount in LINES]


def hordak(accounts: Sequence[Account], references: Sequence[str]) -> None:
    """Post as in django-hordak's documentation: a transaction and its legs, whose balance MySQL checks at the end."""
    for reference in references:
        with transaction.atomic():
            posted = Transaction.objects.create(description=reference)
            for account, (_, amount) in zip(accounts, LINES, strict=True):
                side = {"debit": Money(amount, "XOF")} if amount > 0 else {"credit": Money(-amount, "XOF")}
                Leg.objects.create(transaction=posted, account=account, **side)


def _hordak_account(number: int) -> Account:
    return Account.objects.create(
        name=f"account {number}", code=str(number + 1), type=AccountType.asset, currencies=["XOF"]
    )
