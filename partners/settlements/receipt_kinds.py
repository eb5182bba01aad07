"""The statement of a settlement, as the partner's accountant keeps it: numbered, and never changed."""

from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners.settlements.queries import SETTLEMENT, settlement
from partners.settlements.statement_queries import CODES, describe_statement, paid_by, statement_lines
from sunusav.core import phrasing
from sunusav.core.exporting.columns import DAKAR_TIME, FRANCS, FRANCS_PER_BTC, SATS
from transfers.types import ReceiptKind, ReceiptLines, ReceiptPart, ReceiptRow, RowFormat

HEADS: Final = (
    (_("line"), ""), (_("fee record"), ""), (_("payment"), ""), (_("booked at"), DAKAR_TIME), (_("payout"), SATS),
    (_("fee"), SATS), (_("rate"), FRANCS_PER_BTC), (_("partner's share"), SATS), (_("partner's share"), FRANCS),
)  # fmt: skip


def state_of_statement(settlement_id: int) -> str:
    """Return how a settlement stands now, as a sentence in the reader's language. Raises: SettlementMissing."""
    if not settlement(settlement_id).amount_xof:
        return gettext("Nothing is due: what accrued is carried over to the next month.")
    paid = paid_by(settlement_id)
    if paid is None:
        return gettext("Not paid yet.")
    facts = {
        "at": date_format(paid.paid_on),
        "rail": phrasing.code_label(paid.rail) if paid.rail else "",
        "reference": paid.reference,
    }
    if not paid.rail:
        return gettext("Paid by the bank on %(at)s, reference %(reference)s.") % facts
    return gettext("Paid on %(at)s by %(rail)s, reference %(reference)s.") % facts


RECEIPTS = [
    ReceiptKind(
        kind=SETTLEMENT,
        prefix="DEC",
        title=_("Statement of a settlement"),
        subject_kind=SETTLEMENT,
        permission="partners.view_settlement",
        describe=describe_statement,
        booked_amounts=lambda _: {},
        tells_tax=False,
        state=state_of_statement,
        lines=ReceiptLines(HEADS, CODES, statement_lines, printed=(0, 1, 3, 7, 6, 8)),
        notes=(
            _("Each share is worth francs at the rate that was booked with its fee; the sum is exact."),
            _("Whole francs are due, rounded down once; what is left over opens the next month."),
            _("The lines are in the files of this statement. The hash is that of the CSV file."),
        ),
        parts=(
            ReceiptPart(
                _("What is settled"),
                (
                    ReceiptRow("partner_name", _("Partner"), RowFormat.CODE),
                    ReceiptRow("period_start", _("Month"), RowFormat.MONTH),
                    ReceiptRow("closed_at", _("Closed on"), RowFormat.MOMENT),
                    ReceiptRow("settlement_id", _("Settlement"), RowFormat.COUNT),
                ),
            ),
            ReceiptPart(
                _("Amounts"),
                (
                    ReceiptRow("lines_count", _("Fees and reversals"), RowFormat.COUNT),
                    ReceiptRow("accrued_sats", _("Accrued"), RowFormat.SATS),
                    ReceiptRow("accrued_exactly", _("Accrued in francs, exactly"), RowFormat.XOF),
                    ReceiptRow("carried_exactly", _("Carried over from the month before"), RowFormat.XOF),
                    ReceiptRow("due_xof", _("Due"), RowFormat.XOF, is_total=True),
                    ReceiptRow("left_over_exactly", _("Left over for the next month"), RowFormat.XOF),
                ),
            ),
            ReceiptPart(_("Proof"), (ReceiptRow("lines_sha256", _("SHA-256 of the lines"), RowFormat.HASH),)),
        ),
    )
]
