"""What is kept about a person here without an app above: their credit. The rest is listed by the apps it belongs to."""

from collections.abc import Iterator

from ledger.types import Movement
from sunusav.core.person_export import PersonalSection, Row
from sunusav.core.subjects import key_of
from transfers.credit_queries import credit_movements, credit_msat
from transfers.models import CreditTransferRequest
from transfers.person_queries import credit_transfer_ids

READ_AT_ONCE = 500


def credit(user_id: str) -> Iterator[Row]:
    """Yield the one row that says what a person's credit holds."""
    yield {"credit_msat": credit_msat(user_id)}


def movements(user_id: str) -> Iterator[Row]:
    """Yield the movements of a person's credit, the newest first; what was added is positive. Units: msat."""
    page = credit_movements(user_id, before_id=None, limit=READ_AT_ONCE)
    while page:
        yield from (_movement(movement) for movement in page)
        page = credit_movements(user_id, before_id=page[-1].transaction_id, limit=READ_AT_ONCE)


def _movement(movement: Movement) -> Row:
    return {
        "transaction": movement.transaction_id, "kind": movement.kind, "subject": movement.subject,
        "at": movement.at, "amount_msat": -movement.amount,
    }  # fmt: skip


def credit_transfers(user_id: str) -> Iterator[Row]:
    """Yield what was proposed to move from a person's credit to another's or the other way round."""
    found = CreditTransferRequest.objects.filter(pk__in=credit_transfer_ids(user_id))
    for row in found.select_related("booked").order_by("pk"):
        yield {
            "from": key_of(row.from_owner), "to": key_of(row.to_owner), "amount_msat": row.amount_msat,
            "reference": row.reference, "explanation": row.explanation, "proposed_at": row.proposed_at,
            "is_booked": hasattr(row, "booked"),
        }  # fmt: skip


SECTIONS = [
    PersonalSection("credit", ("ledger.Account",), credit),
    PersonalSection("credit_movements", ("ledger.JournalEntry", "ledger.JournalTransaction"), movements),
    PersonalSection(
        "credit_transfers", ("transfers.CreditTransferRequest", "transfers.CreditTransfer"), credit_transfers
    ),
]
OF_A_PAYMENT = "our work on a payment, which is exported"
NOT_EXPORTED = {
    "transfers.ProviderAnswer": OF_A_PAYMENT,
    "transfers.ManualResolution": OF_A_PAYMENT,
    "transfers.ResolvedAttempt": OF_A_PAYMENT,
    "transfers.ReturnClaim": OF_A_PAYMENT,
    "transfers.PastAdmission": OF_A_PAYMENT,
    "transfers.RailMismatch": OF_A_PAYMENT,
    "transfers.StatementItem": OF_A_PAYMENT,
    "transfers.StatementMatch": OF_A_PAYMENT,
    "transfers.MatchedLine": OF_A_PAYMENT,
    "transfers.MatchedExpectation": OF_A_PAYMENT,
    "transfers.ItemResolution": OF_A_PAYMENT,
    "transfers.ResolvedItem": OF_A_PAYMENT,
    "transfers.LimitUsage": "sums per payee and day of payments that are exported",
    "transfers.TreasuryMovement": "the platform's own money",
    "transfers.BookedMovement": "the platform's own money",
    "transfers.ProviderSwitch": "the state of a provider: of no person",
}
