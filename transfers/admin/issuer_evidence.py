"""What an approver reads beside a new issuer of receipts or a new tax rate: what receipts will say."""

from datetime import datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import moment
from sunusav.backoffice.money import NOTHING, show_bps, show_sats
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.models import Proposal
from transfers.calculations import contained_tax_sats
from transfers.document_queries import issuer_in_force, newest_receipt_numbers, tax_rate_in_force
from transfers.services.issuers import RECEIPT_ISSUER, RECEIPT_TAX_RATE

EXAMPLE_FEES_SATS: Final = (100, 1_000, 10_000)
ON_NEW_RECEIPTS = _("It is on receipts issued from %(at)s on. Receipts that were issued do not change.")
FROM_APPROVAL = _("the approval")
ASK_AN_ADVISER = _("Have a tax adviser confirm the rate and the date first.")
CHECK_REGISTER = _("Compare name, address and NINEA with the certificate of registration.")
TAX_IN_FEE = _("Tax in a fee of %(amount)s")


@evidence_for(RECEIPT_ISSUER)
def issuer_evidence(proposal: Proposal) -> Evidence:
    """Show what receipts say now and will say, and from which number on."""
    facts, found = proposal.facts, issuer_in_force(clock.now())
    names = (("legal_name", _("Legal name")), ("address", _("Address")), ("ninea", _("NINEA")))
    return Evidence(
        Box(IF_APPROVED, ON_NEW_RECEIPTS % {"at": _from(facts)}, steps=[CHECK_REGISTER]),
        [(label, getattr(found.issuer, name) if found else NOTHING, facts[name]) for name, label in names],
        [(_("Applies from"), _from(facts)), *_last_numbers()],
        warnings=[] if found else [NO_ISSUER_YET],
    )


@evidence_for(RECEIPT_TAX_RATE)
def tax_rate_evidence(proposal: Proposal) -> Evidence:
    """Show the tax that fees contain by the rate in force and by the proposed one."""
    facts, found = proposal.facts, tax_rate_in_force(clock.now())
    before, after = found.tax_rate.rate_bps if found else 0, facts["tax_rate_bps"]
    taxes = [
        (
            TAX_IN_FEE % {"amount": show_sats(fee_sats)},
            *(show_sats(contained_tax_sats(fee_sats, rate_bps=rate)) for rate in (before, after)),
        )
        for fee_sats in EXAMPLE_FEES_SATS
    ]
    return Evidence(
        Box(IF_APPROVED, ON_NEW_RECEIPTS % {"at": _from(facts)}, steps=[ASK_AN_ADVISER]),
        [(_("Tax rate"), show_bps(before), show_bps(after)), *taxes],
        [(_("Applies from"), _from(facts)), *_last_numbers()],
    )


NO_ISSUER_YET = _("No issuer is in force yet: receipts can be issued from then on.")


def _from(facts: dict[str, Any]) -> Any:
    at: datetime | None = parse_datetime(facts["effective_at"]) if facts["effective_at"] else None
    return moment(at) if at else FROM_APPROVAL


def _last_numbers() -> list[tuple[Any, Any]]:
    """Return the newest receipt of each kind: what was issued until it stays as it is."""
    numbers = ", ".join(newest_receipt_numbers())
    return [(_("Last receipts issued"), numbers or NOTHING)]
