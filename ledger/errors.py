"""Refusals of the books and of exchange rates."""

from datetime import datetime

from sunusav.core.errors import Conflict, Invalid, Missing, Unavailable


class PostingUnbalanced(Invalid):
    """The lines of one currency do not sum to zero."""

    reference: str
    currency: str
    difference: int


class PostingMalformed(Invalid):
    """A posting that cannot be written: too few lines, a fraction, a name too long."""

    reference: str
    problem: str


class ReferenceUsed(Conflict):
    """This reference was booked before with different content."""

    reference: str
    stored_id: int


class ReversalExists(Conflict):
    """A transaction is reversed at most once."""

    transaction_id: int
    reversal_id: int


class AccountShort(Conflict):
    """An account holds less than is needed from it. Units: the currency."""

    account: str
    currency: str
    needed: int
    available: int


class JournalTransactionMissing(Missing):
    transaction_id: int


class RateNotFresh(Unavailable):
    """Only the fallback rate is available, and the settings do not allow it to move francs."""

    source: str
    observed_at: datetime


class RateAnswerRefused(Unavailable):
    """A market source's answer is refused."""

    source: str
    refusal: str
    detail: str


class NoRateSourceAnswered(Unavailable):
    """No market source gave a usable answer."""

    refusals: dict[str, str]


class RateOutOfBounds(Invalid):
    """The rate is not plausible: a digit too many, or an inverted pair."""

    rate_xof_per_btc: str
    minimum_xof_per_btc: str
    maximum_xof_per_btc: str


class ManualRateMissing(Missing):
    manual_rate_id: str


class AmountNotConvertible(Invalid):
    """Only whole amounts from 0 to all bitcoin there will ever be are converted."""

    amount: int
    currency: str
