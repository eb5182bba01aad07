"""The journal lines of money that comes in. Pure. Units: each account's currency; debits positive, credits negative."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ledger.enums import AccountRole, Currency
from ledger.queries import msat_from_xof
from ledger.types import AccountRef, Line, Money
from transfers.booking import ROUNDING
from transfers.enums import ReceiptUse
from transfers.types.accounts import POSITION_MSAT, POSITION_XOF


@dataclass(frozen=True)
class CollectionTerms:
    """What was fixed when a collection was opened.

    `asked` arrives in `arrives_in`; for it, `due` is credited to `credit`. Parts wait in `clearing` until they are
    complete. What was not asked for is credited to `overpaid`, in msat. The rate is None where no francs are involved.
    """

    asked: Money
    due: Money
    arrives_in: AccountRef
    clearing: AccountRef
    credit: AccountRef
    overpaid: AccountRef
    rate_xof_per_btc: Decimal | None


def clearing_of(collection_id: int, currency: Currency) -> AccountRef:
    """Return the account in which the parts of a collection wait."""
    return AccountRef(AccountRole.CONTRIBUTION_CLEARING, currency, f"collection:{collection_id}")


def use_of(*, is_awaiting: bool, asked: int, in_clearing: int, received: int) -> ReceiptUse:
    """Return what a payment does for its collection. Units: the currency it is asked in."""
    if not is_awaiting:
        return ReceiptUse.EXTRA
    return ReceiptUse.COMPLETE if in_clearing + received >= asked else ReceiptUse.PART


def receipt_lines(terms: CollectionTerms, *, use: ReceiptUse, received: int, in_clearing: int) -> list[Line]:
    """Book one payment; the last part releases what waits in clearing.

    Rounding: what becomes credit is converted down, once; above what is due, whole msat go to rounding residue.
    """
    arrived = Line(terms.arrives_in, received)
    if use is ReceiptUse.PART:
        return [arrived, Line(terms.clearing, -received)]
    if use is ReceiptUse.EXTRA:
        return _summed([arrived, *_credited_to_payer(terms, received)])
    excess = in_clearing + received - terms.asked.amount
    released = Line(terms.clearing, in_clearing)
    return _summed([arrived, released, *_credited_as_due(terms), *_credited_to_payer(terms, excess)])


def parts_credited_lines(terms: CollectionTerms, *, in_clearing: int) -> list[Line]:
    """Give the parts of a collection that ended incomplete to its payer. Rounding: down, once."""
    return _summed([Line(terms.clearing, in_clearing), *_credited_to_payer(terms, in_clearing)])


def _credited_as_due(terms: CollectionTerms) -> list[Line]:
    asked, due = terms.asked, terms.due
    credited = Line(terms.credit, -due.amount)
    if asked.currency == due.currency:
        return [credited]
    if due.currency == Currency.XOF:
        return [Line(POSITION_MSAT, -asked.amount), Line(POSITION_XOF, due.amount), credited]
    worth_msat = _worth_msat(terms, asked.amount)
    return [
        Line(POSITION_XOF, -asked.amount), Line(POSITION_MSAT, worth_msat), credited,
        Line(ROUNDING, due.amount - worth_msat),
    ]  # fmt: skip


def _credited_to_payer(terms: CollectionTerms, amount: int) -> list[Line]:
    if terms.asked.currency == Currency.MSAT:
        return [Line(terms.overpaid, -amount)]
    worth_msat = _worth_msat(terms, amount)
    return [
        Line(POSITION_XOF, -amount), Line(POSITION_MSAT, worth_msat), Line(terms.overpaid, -worth_msat),
    ]  # fmt: skip


def _worth_msat(terms: CollectionTerms, amount_xof: int) -> int:
    if terms.rate_xof_per_btc is None:
        raise ValueError("francs are converted at the rate fixed at opening, and there is none")
    return msat_from_xof(amount_xof, rate_xof_per_btc=terms.rate_xof_per_btc)


def _summed(lines: Iterable[Line]) -> list[Line]:
    """Return one line per account, in the order of first use, without those of 0."""
    sums: dict[AccountRef, int] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.amount
    return [Line(account, amount) for account, amount in sums.items() if amount]
