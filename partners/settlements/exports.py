"""What the exports of the lists of settlements hold."""

from django.utils.translation import gettext_lazy as _

from partners.models import ContestedLine, Settlement, SettlementBankPayment
from sunusav.core.exporting.columns import FRANCS, code_or_text, columns_of
from sunusav.core.exporting.types import Column, ListExport
from sunusav.core.phrasing import code_label

EXPORTS = [
    ListExport(
        "partners.settlement",
        columns_of(
            Settlement, "id", Column(_("partner"), lambda row: code_or_text(row.partner)), "period_start",
            "period_end", "records", "accrued_sats",
            Column(_("accrued in francs"), lambda row: row.accrued_xof, FRANCS),
            Column(_("carried over"), lambda row: row.carried_xof, FRANCS), "due_xof",
            Column(_("left over"), lambda row: row.residue_xof, FRANCS),
            Column(_("state"), lambda row: code_label(row.facts.status)), "closed_at",
        ),
    ),
    ListExport(
        "partners.contestedline",
        columns_of(
            ContestedLine, "id", "settlement", "fee_record", "contested_on", "reason", "recorder", "recorded_at",
            Column(_("answer"), lambda row: row.answer.answer if hasattr(row, "answer") else ""),
        ),
        related=("settlement", "recorder", "answer"),
    ),
    ListExport(
        "partners.settlementbankpayment",
        columns_of(
            SettlementBankPayment, "id", "settlement", "reference", "paid_on", "explanation", "recorder",
            "recorded_at",
        ),
        related=("settlement", "recorder"),
    ),
]  # fmt: skip
