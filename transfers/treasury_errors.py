"""Refusals of movements of the treasury, each named for the fact."""

from sunusav.core.errors import Conflict, Invalid, Missing


class TreasuryKindNotForAccount(Invalid):
    """This kind of movement does not change the balance of this account, or it is no account of the treasury."""

    kind: str
    treasury_account: str


class TreasuryAmountOutOfRange(Invalid):
    """Units: those of the account's currency."""

    amount: int
    maximum: int


class TreasuryCostOutOfRange(Invalid):
    """Some kinds have no cost, and what is withdrawn bears no more than itself. Units: the account's currency."""

    kind: str
    cost: int
    maximum: int


class TreasuryFrancsDoNotFit(Invalid):
    """Francs are paid or received for bitcoin, and for nothing else."""

    kind: str
    exchanged_xof: int | None


class TreasuryDateInFuture(Invalid):
    happened_on: str
    today: str


class TreasuryEvidenceMissing(Invalid):
    """A movement needs the provider's or bank's reference, and an explanation."""

    missing: str


class TreasuryReferenceUsed(Conflict):
    """A movement with this reference is booked, or waits for its approval."""

    reference: str
    movement_id: int


class TreasuryReferenceReversed(Conflict):
    """A payment was booked back by the line of the bank with this reference."""

    reference: str
    disbursement_id: int


class TreasuryAccountOpened(Conflict):
    """The account has its opening balance, or one waits for its approval."""

    treasury_account: str
    movement_id: int


class TreasuryAccountShort(Conflict):
    """The account holds less than would leave it. Units: its currency."""

    treasury_account: str
    needed: int
    available: int


class TreasuryMovementMissing(Missing):
    movement_id: str


class BankLineBooked(Conflict):
    """The books have this line of the bank's statement already, as a payment of another app."""

    reference: str
    transaction_id: int
