"""What an approver reads beside a settlement or an account: what it comes to, and where the money goes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from ledger.queries import owed
from ledger.types import xof
from partners.queries import partner_floats
from partners.settlements.queries import SETTLEMENT, settlement_row
from partners.settlements.services.accounts import SETTLEMENT_ACCOUNT
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence, typed_amount
from sunusav.backoffice.facts import day, show_code_or_text
from sunusav.backoffice.money import NOTHING, show_msat, show_number, show_sats, show_xof
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.models import Proposal
from transfers.limit_queries import is_above_payout_limit
from transfers.types.accounts import partner_reserve

PAID_FOLLOWS = _("%(due)s may be paid to %(partner)s for the month from %(start)s, to %(account)s.")
NO_ACCOUNT = _("No account of the partner is registered: only the bank can pay it.")
FLOAT_SHORT = _("Our money at the partner is less than what is due.")
RESERVE_SHORT = _("The reserve holds less than the settlement takes: payouts were reversed since.")
ACCOUNT_FOLLOWS = _("Settlements with %(partner)s are paid to %(account)s, of %(holder)s, from now on.")
CHECK_ACCOUNT = _("Compare it with the partner's letter, and call them on a number that you know.")


@evidence_for(SETTLEMENT)
def settlement_evidence(proposal: Proposal) -> Evidence:
    """Show what the month comes to, the reserve before and after, and our money at the partner."""
    facts, row = proposal.facts, settlement_row(proposal.subject_id)
    reserve_msat = owed(partner_reserve(row.partner))
    found = partner_floats(now=clock.now()).get(row.partner)
    available = found.balance_amount if found else None
    is_large = is_above_payout_limit(xof(row.due_xof), now=clock.now())
    typed = typed_amount(row.due_xof, shown=show_xof(row.due_xof)) if is_large else None
    start = day(facts["period_start"][:10])
    says = PAID_FOLLOWS % {
        "due": show_xof(row.due_xof), "partner": show_code_or_text(row.partner), "start": start,
        "account": facts["account_masked"] or NOTHING,
    }  # fmt: skip
    warnings = [
        (NO_ACCOUNT, not facts["account_masked"]),
        (FLOAT_SHORT, available is not None and available < row.due_xof),
        (RESERVE_SHORT, reserve_msat < row.settled_msat),
    ]
    return Evidence(
        Box(IF_APPROVED, says),
        [
            (
                _("Reserve of the partner"),
                show_msat(reserve_msat),
                show_msat(reserve_msat - row.settled_msat),
            ),
            (_("Our money at the partner"), show_xof(available), _after(available, row.due_xof)),
        ],
        [
            (_("Fees and reversals"), show_number(row.records)),
            (_("Accrued"), show_sats(row.accrued_sats)),
            (_("Accrued in francs, exactly"), show_xof(row.accrued_xof)),
            (_("Carried over from the month before"), show_xof(row.carried_xof)),
            (_("Due"), show_xof(row.due_xof)),
            (_("Left over for the next month"), show_xof(row.residue_xof)),
        ],
        warnings=[*([typed.why] if typed else []), *(text for text, applies in warnings if applies)],
        typed=typed,
    )


def _after(available: int | None, due_xof: int) -> str:
    return NOTHING if available is None else show_xof(Decimal(available - due_xof))


@evidence_for(SETTLEMENT_ACCOUNT)
def account_evidence(proposal: Proposal) -> Evidence:
    """Show the account until now, and the one that would replace it."""
    facts: dict[str, Any] = proposal.facts
    says = ACCOUNT_FOLLOWS % {
        "partner": show_code_or_text(facts["partner_name"]), "account": facts["account_masked"],
        "holder": facts["holder"],
    }  # fmt: skip
    return Evidence(
        Box(IF_APPROVED, says, steps=[CHECK_ACCOUNT]),
        [
            (_("Account"), facts["account_in_use"] or NOTHING, facts["account_masked"]),
            (_("Holder"), facts["holder_in_use"] or NOTHING, facts["holder"]),
        ],
    )
